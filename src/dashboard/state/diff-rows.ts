/** A file's change as rows to show. */
import type { FileUpdateChange } from "../../protocol/item.ts";

export type DiffRow =
  | { readonly kind: "hunk"; readonly text: string }
  | {
      readonly kind: "added" | "removed" | "kept";
      readonly oldLine: number | null;
      readonly newLine: number | null;
      readonly text: string;
    };

export function diffRows({ kind, diff }: FileUpdateChange): DiffRow[] {
  // The whole text, whatever it looks like: nothing in it may pass for a hunk's header or note.
  if (kind.type === "add") return wholeFile(diff, "added");
  if (kind.type === "delete") return wholeFile(diff, "removed");
  return hunkRows(diff);
}

export const countRows = (rows: readonly DiffRow[]): { added: number; removed: number } => ({
  added: rows.filter((row) => row.kind === "added").length,
  removed: rows.filter((row) => row.kind === "removed").length,
});

const linesOf = (text: string): string[] =>
  (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");

function wholeFile(text: string, kind: "added" | "removed"): DiffRow[] {
  if (text === "") return [];
  return linesOf(text).map((line, index) => ({
    kind,
    oldLine: kind === "removed" ? index + 1 : null,
    newLine: kind === "added" ? index + 1 : null,
    text: line,
  }));
}

const hunkHeader = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

function hunkRows(diff: string): DiffRow[] {
  const rows: DiffRow[] = [];
  let oldLine = 1;
  let newLine = 1;
  let inHunk = !diff.includes("@@");
  for (const line of linesOf(diff)) {
    const header = hunkHeader.exec(line);
    if (header !== null || line.startsWith("@@")) {
      oldLine = Number(header?.[1] ?? oldLine);
      newLine = Number(header?.[2] ?? newLine);
      inHunk = true;
      rows.push({ kind: "hunk", text: line });
    } else if (inHunk && !line.startsWith("\\")) {
      const row = lineRow(line, oldLine, newLine);
      rows.push(row);
      if (row.kind !== "added") oldLine += 1;
      if (row.kind !== "removed") newLine += 1;
    }
  }
  return rows;
}

function lineRow(line: string, oldLine: number, newLine: number): DiffRow {
  const text = line.slice(1);
  if (line.startsWith("+")) return { kind: "added", oldLine: null, newLine, text };
  if (line.startsWith("-")) return { kind: "removed", oldLine, newLine: null, text };
  return { kind: "kept", oldLine, newLine, text };
}
