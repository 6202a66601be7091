/** Unified hunks of two texts, in the form of git: counts of 1 are left out, a missing last newline is noted. */
import { structuredPatch } from "diff";

/** Beyond this many edits a comparison is not worth its time; the texts are then shown as replaced. */
const maxEdits = 4_000;

/** Hunks with `contextLines` unchanged lines around each change; empty when the texts are equal. */
export function unifiedHunks(before: string, after: string, contextLines: number): string {
  if (before === after) return "";
  const patch = structuredPatch("", "", before, after, "", "", {
    context: contextLines,
    maxEditLength: maxEdits,
  });
  if (!patch) return replacedWhole(before, after);
  return patch.hunks
    .map((hunk) => {
      const removed = range(hunk.oldStart, hunk.oldLines);
      const added = range(hunk.newStart, hunk.newLines);
      return `@@ -${removed} +${added} @@\n${hunk.lines.map((line) => `${line}\n`).join("")}`;
    })
    .join("");
}

/** `start` is the first of the lines, counted from 1; of no lines, the form wants the one before. */
function range(start: number, count: number): string {
  if (count === 0) return `${start - 1},0`;
  return count === 1 ? String(start) : `${start},${count}`;
}

function replacedWhole(before: string, after: string): string {
  const removed = linesOf(before);
  const added = linesOf(after);
  const from = range(1, removed.length);
  const to = range(1, added.length);
  return `@@ -${from} +${to} @@\n${marked("-", before, removed)}${marked("+", after, added)}`;
}

function linesOf(text: string): readonly string[] {
  if (text === "") return [];
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

function marked(sign: string, text: string, lines: readonly string[]): string {
  const body = lines.map((line) => `${sign}${line}\n`).join("");
  return lines.length > 0 && !text.endsWith("\n") ? `${body}\\ No newline at end of file\n` : body;
}
