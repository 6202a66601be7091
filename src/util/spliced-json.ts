import { randomBytes } from "node:crypto";

/** Stands in a JSON text for one that is there already; a peer cannot guess it. */
const mark = randomBytes(16).toString("hex");

/** Ready JSON text, in UTF-8. */
type Ready = readonly Buffer[];

let splices: Ready[] | undefined;

/** What a `toJSON` may return for a value whose JSON text is ready: inside `jsonPieces` its place, else nothing. */
export function spliced(ready: () => Ready): string | undefined {
  if (!splices) return undefined;
  splices.push(ready());
  return `${mark}:${splices.length - 1}`;
}

/** JSON.stringify; the ready texts of values that call `spliced` stand between the pieces as they are, uncopied. */
export function jsonPieces(value: unknown): readonly (string | Buffer)[] {
  const ready: Ready[] = [];
  splices = ready;
  try {
    const text = JSON.stringify(value);
    return ready.length === 0 ? [text] : between(text, ready);
  } finally {
    splices = undefined;
  }
}

function between(text: string, ready: readonly Ready[]): (string | Buffer)[] {
  const pieces: (string | Buffer)[] = [];
  let start = 0;
  ready.forEach((buffers, index) => {
    const place = `"${mark}:${index}"`;
    const end = text.indexOf(place, start);
    pieces.push(text.slice(start, end), ...buffers);
    start = end + place.length;
  });
  pieces.push(text.slice(start));
  return pieces;
}
