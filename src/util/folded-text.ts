/** Looking for words in texts without regard to case, in the text's own places. */

/** A text without its case: ß and SS, ﬁ and FI, σ and ς are the same. */
export const folded = (text: string): string =>
  isAscii(text)
    ? text.toLowerCase()
    : Array.from(text, (char) => char.toLowerCase().toUpperCase().toLowerCase()).join("");

/** A place in UTF-16 code units; `end` is the first one behind it. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** Every place of `term`, which is folded, in `text`, which is not; those that overlap the one before are left out. */
export function placesOf(text: string, term: string): readonly TextRange[] {
  const places: TextRange[] = [];
  if (term === "") return places;
  const bare = folded(text);
  let at = bare.indexOf(term);
  if (at === -1) return places;
  const origin = bare.length === text.length && isAscii(text) ? undefined : originOf(text);
  while (at !== -1) {
    const end = at + term.length;
    const range = origin === undefined ? { start: at, end } : rangeIn(origin, at, end);
    if (range !== undefined) places.push(range);
    at = bare.indexOf(term, range === undefined ? at + 1 : end);
  }
  return places;
}

export const isAscii = (text: string): boolean => !/[^\0-\u007f]/.test(text);

/** For each code unit of the folded text the unit of the text where its character begins, and the text's end. */
function originOf(text: string): readonly (number | undefined)[] {
  const origin: (number | undefined)[] = [];
  let at = 0;
  for (const char of text) {
    origin.push(at);
    // what one character became belongs together
    for (let more = folded(char).length; more > 1; more -= 1) origin.push(undefined);
    at += char.length;
  }
  origin.push(at);
  return origin;
}

/** Undefined where the place begins or ends within a character. */
function rangeIn(
  origin: readonly (number | undefined)[],
  from: number,
  to: number,
): TextRange | undefined {
  const start = origin[from];
  const end = origin[to];
  return start === undefined || end === undefined ? undefined : { start, end };
}

/** How many characters of its surroundings a snippet shows. */
const charsBefore = 49;
const charsBehind = 96;

export interface Snippet {
  readonly text: string;
  /** Where the place is in it. */
  readonly range: TextRange;
}

/** A place with its surroundings; what is cut off is marked. */
export function snippetAt(text: string, { start, end }: TextRange): Snippet {
  const first = text.length - text.trimStart().length;
  const last = text.trimEnd().length;
  const from = Math.min(start, Math.max(first, backBy(text, start, charsBefore)));
  const to = Math.max(end, Math.min(last, forwardBy(text, end, charsBehind)));
  const before = from > first ? "... " : "";
  const behind = to < last ? " ..." : "";
  const shift = before.length - from;
  return {
    text: `${before}${text.slice(from, to)}${behind}`,
    range: { start: start + shift, end: end + shift },
  };
}

const isLowSurrogate = (text: string, at: number): boolean =>
  (text.charCodeAt(at) & 0xfc00) === 0xdc00;

function backBy(text: string, from: number, chars: number): number {
  let at = from;
  for (let left = chars; left > 0 && at > 0; left -= 1) {
    at -= 1;
    if (at > 0 && isLowSurrogate(text, at)) at -= 1;
  }
  return at;
}

function forwardBy(text: string, from: number, chars: number): number {
  let at = from;
  for (let left = chars; left > 0 && at < text.length; left -= 1) {
    at += 1;
    if (at < text.length && isLowSurrogate(text, at)) at += 1;
  }
  return at;
}

/** White space as one space, as in a list's rows. */
export const onOneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
