/** Says what is wrong at the first line that does not follow from those before it. */
import type { ChainEnd } from "./audit-line.ts";
import { endOf } from "./audit-line.ts";
import type { StoredLine } from "./stored-lines.ts";
import { storedLines } from "./stored-lines.ts";

/** The first line that is not as it was written. Its message is a sentence with the place. */
export class AuditFault extends Error {
  override readonly name = "AuditFault";
  readonly kind: "edited" | "missing" | "reordered" | "torn" | "signature" | "head" | "receipt";

  constructor(kind: AuditFault["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

export const faultAt = (
  kind: AuditFault["kind"],
  { file, number, line }: Pick<StoredLine, "file" | "number" | "line">,
  what: string,
): AuditFault => {
  const sequence = line === undefined ? "" : ` (sequence ${line.sequence})`;
  return new AuditFault(kind, `${file}, line ${number}${sequence}: ${what}`);
};

/** `at` does not follow `end`, which `before` was read as. */
export function chainFault(
  folder: string,
  before: StoredLine | undefined,
  end: ChainEnd,
  at: StoredLine,
): AuditFault {
  if (at.line === undefined)
    return faultAt("edited", at, "this line was edited: it cannot be read.");
  const { sequence, prev } = at.line;
  const expected = end.sequence + 1;
  const successor = nextAfter(folder, at);
  // What follows a line says whether that line is as it was written.
  const isIntact = successor?.line?.prev === endOf(at.bytes, 0).hash;
  if (sequence === expected) {
    if (before !== undefined && (isIntact || successor === undefined)) {
      return faultAt("edited", before, "this line was edited: the next one holds another hash.");
    }
    return faultAt(
      "edited",
      at,
      "this line was edited: it does not hold the hash of the one before.",
    );
  }
  if (prev === end.hash || successor?.line?.sequence === expected + 1) {
    return faultAt("edited", at, `this line was edited: its sequence should be ${expected}.`);
  }
  if (sequence < expected) {
    const text = `lines were reordered or repeated: sequence ${expected} should stand here.`;
    return faultAt("reordered", at, text);
  }
  if (standsLater(folder, at, expected)) {
    return faultAt("reordered", at, `lines were reordered: sequence ${expected} stands behind it.`);
  }
  const missing =
    sequence - 1 === expected
      ? `sequence ${expected} is`
      : `sequences ${expected} to ${sequence - 1} are`;
  return faultAt("missing", at, `lines are missing before this one: ${missing} not there.`);
}

function nextAfter(folder: string, { file, number }: StoredLine): StoredLine | undefined {
  let found = false;
  for (const line of storedLines(folder)) {
    if (found) return line;
    found = line.file === file && line.number === number;
  }
  return undefined;
}

function standsLater(folder: string, at: StoredLine, sequence: number): boolean {
  let behind = false;
  for (const { file, number, line } of storedLines(folder)) {
    if (behind && line?.sequence === sequence) return true;
    behind ||= file === at.file && number === at.number;
  }
  return false;
}
