/** Takes the fragment out of the address bar and the history, before anything else can read or keep it. */
export function takeFragment(): string {
  const fragment = location.hash.slice(1);
  if (fragment !== "") history.replaceState(null, "", location.pathname);
  return fragment;
}
