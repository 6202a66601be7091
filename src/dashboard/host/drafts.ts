/** What was typed and not sent, kept over reloads. */
const prefix = "farhelm.draft.";

export function readDraft(key: string): string {
  try {
    return localStorage.getItem(prefix + key) ?? "";
  } catch {
    return "";
  }
}

export function keepDraft(key: string, text: string): void {
  try {
    if (text === "") localStorage.removeItem(prefix + key);
    else localStorage.setItem(prefix + key, text);
  } catch {
    // A full or forbidden storage costs only the draft's life after a reload.
  }
}
