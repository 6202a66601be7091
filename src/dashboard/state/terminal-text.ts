/** A command's output as plain text: without escape sequences, and with each line as a terminal would leave it. */

// Control sequences (ECMA-48, 5.4), operating system commands (closed by BEL or ST), and two-character escapes.
// oxlint-disable-next-line no-control-regex
const escapes = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)?|[@-Z\\-_])/g;

export const plainOutput = (output: string): string =>
  output
    .replaceAll(escapes, "")
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => line.slice(line.replace(/\r+$/, "").lastIndexOf("\r") + 1).replace(/\r+$/, ""))
    .join("\n");

/** The last lines of a long text, and how many there are in all. */
export function tailLines(text: string, maxLines: number): { shown: string; lines: number } {
  const lines = (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  return { shown: lines.slice(-maxLines).join("\n"), lines: lines.length };
}

/** `41 ms`, `1.4 s`, `12 s`, `3 min 5 s`. */
export function durationText(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 9_950) return `${(durationMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
