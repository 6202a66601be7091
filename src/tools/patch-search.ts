/** Finds where a hunk belongs and makes the new text of a file. */
import { type Hunk, type HunkLine, PatchError } from "./patch-grammar.ts";

/** How alike two lines have to be, strictest first. Models get blanks and typographic characters wrong. */
const views: readonly ((line: string) => string)[] = [
  (line) => line,
  (line) => line.trimEnd(),
  (line) => line.trim(),
  (line) => plainPunctuation(line.trim()),
];

function plainPunctuation(line: string): string {
  return line
    .replaceAll(/[\u2010-\u2015\u2212]/g, "-")
    .replaceAll(/[\u2018-\u201b]/g, "'")
    .replaceAll(/[\u201c-\u201f]/g, '"')
    .replaceAll(/[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g, " ");
}

interface Replacement {
  readonly start: number;
  readonly removed: number;
  readonly lines: readonly string[];
}

/**
 * The text after the hunks, which have to come in the file's order. Kept lines stay as they are in the file; added
 * ones take its line ending; a text that is not empty ends with one. Throws `PatchError` naming `path`.
 */
export function applyHunks(text: string, hunks: readonly Hunk[], path: string): string {
  if (hunks.length === 0) return text;
  const ending = usualEnding(text);
  const lines = text.split("\n");
  const last = lines.pop();
  // an unfinished last line gets the ending that it lacks
  if (last !== undefined && last !== "") lines.push(ending === "\r\n" ? `${last}\r` : last);
  const replacements: Replacement[] = [];
  let from = 0;
  for (const hunk of hunks) {
    if (hunk.header !== null) from = seekHeader(lines, hunk.header, from, path) + 1;
    const found = placeHunk(lines, hunk, from, path);
    const replacement = replacementFor(lines, found.start, found.hunkLines, ending);
    replacements.push(replacement);
    if (replacement.removed > 0) from = replacement.start + replacement.removed;
  }
  return replaceAll(lines, replacements)
    .map((line) => `${line}\n`)
    .join("");
}

function usualEnding(text: string): "\r\n" | "\n" {
  const windows = text.split("\r\n").length - 1;
  return windows * 2 > text.split("\n").length - 1 ? "\r\n" : "\n";
}

function seekHeader(lines: readonly string[], header: string, from: number, path: string): number {
  const found = seek(lines, [header], from, false);
  if (found === undefined) {
    throw new PatchError(
      `the line '${header}' that a hunk names as its context was not found in ${path}`,
    );
  }
  return found;
}

function placeHunk(
  lines: readonly string[],
  hunk: Hunk,
  from: number,
  path: string,
): { start: number; hunkLines: readonly HunkLine[] } {
  const old = oldLines(hunk.lines);
  // nothing to look for: new lines go to the end
  if (old.length === 0) return { start: lines.length, hunkLines: hunk.lines };
  const start = seek(lines, old, from, hunk.isEndOfFile);
  if (start !== undefined) return { start, hunkLines: hunk.lines };
  const shorter = withoutLastBlank(hunk.lines);
  const second = shorter && seek(lines, oldLines(shorter), from, hunk.isEndOfFile);
  if (shorter && second !== undefined) return { start: second, hunkLines: shorter };
  throw new PatchError(`these lines of a hunk were not found in ${path}:\n${old.join("\n")}`);
}

function oldLines(lines: readonly HunkLine[]): readonly string[] {
  return lines.filter((line) => line.kind !== "add").map((line) => line.text);
}

/** A blank line at the end of a hunk often only separates it from the next. */
function withoutLastBlank(lines: readonly HunkLine[]): readonly HunkLine[] | undefined {
  const last = lines.at(-1);
  return last?.kind === "context" && last.text === "" && oldLines(lines).length > 1
    ? lines.slice(0, -1)
    : undefined;
}

/** The first place at or after `from` where `wanted` stands; with `atEnd`, only the last lines count. */
function seek(
  lines: readonly string[],
  wanted: readonly string[],
  from: number,
  atEnd: boolean,
): number | undefined {
  const last = lines.length - wanted.length;
  if (last < from) return undefined;
  for (const view of views) {
    const seen = wanted.map(view);
    for (let start = atEnd ? last : from; start <= last; start++) {
      if (seen.every((line, at) => view(lines[start + at] ?? "") === line)) return start;
    }
  }
  return undefined;
}

function replacementFor(
  lines: readonly string[],
  start: number,
  hunkLines: readonly HunkLine[],
  ending: "\r\n" | "\n",
): Replacement {
  const made: string[] = [];
  let at = start;
  for (const line of hunkLines) {
    if (line.kind === "context") made.push(lines[at++] ?? line.text);
    else if (line.kind === "remove") at++;
    else made.push(ending === "\r\n" && !line.text.endsWith("\r") ? `${line.text}\r` : line.text);
  }
  return { start, removed: at - start, lines: made };
}

function replaceAll(lines: readonly string[], replacements: readonly Replacement[]): string[] {
  const made: string[] = [];
  let at = 0;
  for (const { start, removed, lines: added } of replacements.toSorted(
    (a, b) => a.start - b.start,
  )) {
    for (; at < start; at++) made.push(lines[at] ?? "");
    for (const line of added) made.push(line);
    at = start + removed;
  }
  for (; at < lines.length; at++) made.push(lines[at] ?? "");
  return made;
}
