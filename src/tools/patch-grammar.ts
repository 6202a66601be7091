/**
 * The patch language that coding models write:
 *
 *   *** Begin Patch
 *   *** Add File: path            then `+` lines
 *   *** Delete File: path
 *   *** Update File: path         then, optionally, `*** Move to: path`, then hunks:
 *   @@ a line above, as a header  (or a bare @@; the first hunk may leave it out)
 *    context  -removed  +added
 *   *** End of File               the hunk above ends the file
 *   *** End Patch
 */

export type HunkLine = {
  readonly kind: "context" | "remove" | "add";
  readonly text: string;
};

export interface Hunk {
  /** A line that stands somewhere above the hunk. */
  readonly header: string | null;
  readonly lines: readonly HunkLine[];
  readonly isEndOfFile: boolean;
}

export type FileOperation =
  | { readonly kind: "add"; readonly path: string; readonly text: string }
  | { readonly kind: "delete"; readonly path: string }
  | {
      readonly kind: "update";
      readonly path: string;
      readonly moveTo: string | null;
      readonly hunks: readonly Hunk[];
    };

/** The patch is not in the language, or does not fit the files; `message` is for the model. */
export class PatchError extends Error {
  override readonly name = "PatchError";
}

const marker = {
  begin: "*** Begin Patch",
  end: "*** End Patch",
  add: "*** Add File: ",
  delete: "*** Delete File: ",
  update: "*** Update File: ",
  move: "*** Move to: ",
  endOfFile: "*** End of File",
};

/** What the patch says, in its order. Throws `PatchError` with the number of the line that is wrong. */
export function parsePatch(text: string): readonly FileOperation[] {
  const reader = new PatchReader(patchLines(text));
  const operations: FileOperation[] = [];
  for (;;) {
    while (reader.peek()?.trim() === "") reader.next();
    if (reader.isDone) return operations;
    operations.push(readOperation(reader));
  }
}

/** The lines between the outer markers. A here-document around the patch is taken off. */
function patchLines(text: string): readonly string[] {
  let lines = text.trim().split(/\r?\n/);
  const last = lines.at(-1)?.trim() ?? "";
  const opening = /^<<-?\s*(['"]?)(\w+)\1$/.exec(lines[0]?.trim() ?? "");
  if (opening && opening[2] === last) lines = lines.slice(1, -1);
  if (lines[0]?.trim() !== marker.begin) {
    throw new PatchError(`invalid patch: its first line has to be '${marker.begin}'`);
  }
  if (lines.length < 2 || lines.at(-1)?.trim() !== marker.end) {
    throw new PatchError(`invalid patch: its last line has to be '${marker.end}'`);
  }
  return lines.slice(1, -1);
}

class PatchReader {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  get isDone(): boolean {
    return this.#at >= this.#lines.length;
  }

  peek(): string | undefined {
    return this.#lines[this.#at];
  }

  next(): string {
    return this.#lines[this.#at++] ?? "";
  }

  /** What follows `prefix` on this line, which is then read; undefined: the line is another. */
  take(prefix: string): string | undefined {
    const line = this.peek()?.trim();
    if (line === undefined || !line.startsWith(prefix.trimEnd())) return undefined;
    this.#at++;
    return line.slice(prefix.trimEnd().length).trim();
  }

  /** `offset` counts lines from the one that is read next. */
  fail(detail: string, offset = 0): never {
    // one line above, and people count from 1
    throw new PatchError(`invalid hunk at line ${this.#at + 2 + offset}, ${detail}`);
  }
}

function readOperation(reader: PatchReader): FileOperation {
  const added = reader.take(marker.add);
  if (added !== undefined) {
    return { kind: "add", path: readPath(reader, added), text: readAddedText(reader) };
  }
  const deleted = reader.take(marker.delete);
  if (deleted !== undefined) return { kind: "delete", path: readPath(reader, deleted) };
  const updated = reader.take(marker.update);
  if (updated !== undefined) return readUpdate(reader, readPath(reader, updated));
  return reader.fail(
    `'${reader.peek()?.trim() ?? ""}' is no hunk header; one of '*** Add File: {path}', '*** Delete File: {path}' and '*** Update File: {path}' has to stand here`,
  );
}

function readPath(reader: PatchReader, path: string): string {
  return path === "" || path.includes("\0") ? reader.fail("the path is missing", -1) : path;
}

function readAddedText(reader: PatchReader): string {
  let text = "";
  while (reader.peek()?.startsWith("+")) text += `${reader.next().slice(1)}\n`;
  return text;
}

function readUpdate(reader: PatchReader, path: string): FileOperation {
  const move = reader.take(marker.move);
  const moveTo = move === undefined ? null : readPath(reader, move);
  const hunks: Hunk[] = [];
  for (;;) {
    const line = reader.peek();
    if (line === undefined || line.startsWith("***")) break;
    hunks.push(readHunk(reader, hunks.length === 0));
  }
  if (hunks.length === 0 && moveTo === null) {
    return reader.fail(`the update of '${path}' holds no hunk`, -1);
  }
  return { kind: "update", path, moveTo, hunks };
}

function readHunk(reader: PatchReader, isFirst: boolean): Hunk {
  const first = reader.peek() ?? "";
  let header: string | null = null;
  if (first.trimEnd() === "@@") reader.next();
  else if (first.startsWith("@@ ")) header = reader.next().slice(3);
  else if (!isFirst) reader.fail(`'${first}' does not begin a hunk: '@@' is expected here`);
  const lines: HunkLine[] = [];
  for (;;) {
    const line = reader.peek();
    const parsed = line === undefined ? undefined : hunkLine(line);
    if (!parsed) break;
    reader.next();
    lines.push(parsed);
  }
  if (lines.length === 0) {
    reader.fail(
      `'${reader.peek() ?? ""}' cannot stand in a hunk: its lines begin with ' ' (kept), '-' (removed) or '+' (added)`,
    );
  }
  const isEndOfFile = reader.peek()?.trim() === marker.endOfFile;
  if (isEndOfFile) reader.next();
  return { header, lines, isEndOfFile };
}

function hunkLine(line: string): HunkLine | undefined {
  if (line === "") return { kind: "context", text: "" };
  const text = line.slice(1);
  if (line.startsWith(" ")) return { kind: "context", text };
  if (line.startsWith("-")) return { kind: "remove", text };
  return line.startsWith("+") ? { kind: "add", text } : undefined;
}
