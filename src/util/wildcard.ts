/** Whether `pattern` (`*` any characters, `?` one of them) is the whole of `text`. Time: at most the product of both lengths. */
export function wildcardMatches(pattern: string, text: string): boolean {
  let at = 0;
  let next = 0;
  /** Where to go on when what follows the last `*` does not fit: behind the star, and one further in the text. */
  let star: { readonly behind: number; text: number } | undefined;
  while (at < text.length) {
    const wanted = pattern[next];
    if (wanted === "*") {
      star = { behind: ++next, text: at };
    } else if (wanted !== undefined && (wanted === "?" || wanted === text[at])) {
      next++;
      at++;
    } else {
      if (!star) return false;
      next = star.behind;
      at = ++star.text;
    }
  }
  while (pattern[next] === "*") next++;
  return next === pattern.length;
}
