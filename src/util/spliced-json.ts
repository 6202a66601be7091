import { randomBytes } from "node:crypto";

/** Stands in a JSON text for one that is there already; a peer cannot guess it. */
const mark = randomBytes(16).toString("hex");
const marks = new RegExp(`"${mark}:(\\d+)"`, "g");

let splices: string[] | undefined;

/** What a `toJSON` may return for a value whose JSON text is known: inside `stringifySpliced` its place, else nothing. */
export function spliced(json: () => string): string | undefined {
  if (!splices) return undefined;
  splices.push(json());
  return `${mark}:${splices.length - 1}`;
}

/** JSON.stringify, with the ready texts of values that call `spliced` put in as they are. */
export function stringifySpliced(value: unknown): string {
  const ready: string[] = [];
  splices = ready;
  try {
    const text = JSON.stringify(value);
    return ready.length === 0
      ? text
      : text.replaceAll(marks, (_mark, index: string) => ready[Number(index)] ?? "null");
  } finally {
    splices = undefined;
  }
}
