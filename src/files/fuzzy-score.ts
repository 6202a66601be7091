/**
 * How well a word fits a path, letter by letter in order: gaps cost, and beginnings of words, of parts of a path and
 * of capitals in the middle of a name count more. The figures are those of the matcher that the stock server uses.
 */

const forMatch = 16;
const gapBegins = 3;
const gapGoesOn = 1;
const atBoundary = 8;
const atDelimiter = 9;
const atCapital = 5;
const consecutive = 4;
/** The first letter's bonus counts twice. */
const firstTimes = 2;

/** Kinds of characters, in the order of the bonus rules. */
const [space, sign, delimiter, lower, upper, digit] = [0, 1, 2, 3, 4, 5];

const asciiKinds = Uint8Array.from({ length: 128 }, (_, code) => kindOf(String.fromCharCode(code)));

function kindOf(letter: string): number {
  if (letter === "/") return delimiter;
  if (/\s/u.test(letter)) return space;
  if (/\p{Lu}/u.test(letter)) return upper;
  if (/\p{L}/u.test(letter)) return lower;
  return /\p{N}/u.test(letter) ? digit : sign;
}

function kindAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? (asciiKinds[code] ?? sign) : kindOf(text.charAt(at));
}

function bonus(before: number, kind: number): number {
  if (kind > delimiter) {
    if (before === delimiter) return atDelimiter;
    if (before === space || before === sign) return atBoundary;
  }
  if (before === lower && kind === upper) return atCapital;
  if (before !== digit && kind === digit) return atCapital;
  return kind === space || kind === sign ? atBoundary : 0;
}

/** A text in which is searched: `folded` is as long as `plain`, in lower case. */
export interface Haystack {
  readonly plain: string;
  readonly folded: string;
}

/** Longer texts are not worth the square of their length: the first way that is found counts. */
const maxCells = 64 * 1024;

/** For each letter of the word and each place: the best score of a match there, and of a gap there behind a match. */
const matched = new Int16Array(maxCells);
const gapped = new Int16Array(maxCells);
/** The bonus with which the run began that the match goes on with. */
const runs = new Int16Array(maxCells);
/** 1: the best match follows a match; the best gap follows a match. */
const afterMatch = new Uint8Array(maxCells);
const gapAfterMatch = new Uint8Array(maxCells);
const none = -1;

/** What was filled in last. */
interface Table {
  readonly start: number;
  readonly width: number;
  /** Of the last letter. */
  readonly column: number;
  readonly score: number;
}

/** The score of the best way to find `word` behind `from`; undefined: its letters are not there in this order. */
export function fitScore(text: Haystack, word: string, from: number): number | undefined {
  const span = spanOf(text.folded, word, from);
  if (!span) return undefined;
  return fits(span, word)
    ? fill(text, word, from, span).score
    : scoreAt(text, first(text, word, from), from);
}

/** Where the letters of that way stand, counted in UTF-16 units. */
export function fitPlaces(text: Haystack, word: string, from: number): readonly number[] {
  const span = spanOf(text.folded, word, from);
  if (!span) return [];
  return fits(span, word)
    ? placesIn(fill(text, word, from, span), word.length)
    : first(text, word, from);
}

interface Span {
  readonly start: number;
  readonly end: number;
}

const fits = ({ start, end }: Span, word: string): boolean =>
  (end - start) * word.length <= maxCells;

/** From the first place of the first letter to the last place of the last one. */
function spanOf(folded: string, word: string, from: number): Span | undefined {
  const start = folded.indexOf(word.charAt(0), from);
  let at = start;
  for (let letter = 1; letter < word.length && at !== -1; letter++) {
    at = folded.indexOf(word.charAt(letter), at + 1);
  }
  if (at === -1) return undefined;
  return { start, end: folded.lastIndexOf(word.charAt(word.length - 1)) + 1 };
}

function fill(text: Haystack, word: string, from: number, { start, end }: Span): Table {
  const width = end - start;
  for (let letter = 0; letter < word.length; letter++)
    fillRow(text, word, from, start, width, letter);
  const row = (word.length - 1) * width;
  let column = 0;
  for (let each = 1; each < width; each++) {
    const [here, best] = [matched[row + each] ?? none, matched[row + column] ?? none];
    // of equal ones the last, as the stock server; of a single letter the first
    if (here > best || (here === best && word.length > 1)) column = each;
  }
  return { start, width, column, score: matched[row + column] ?? none };
}

function fillRow(
  { plain, folded }: Haystack,
  word: string,
  from: number,
  start: number,
  width: number,
  letter: number,
): void {
  const code = word.charCodeAt(letter);
  const row = letter * width;
  let before = start > from ? kindAt(plain, start - 1) : delimiter;
  for (let column = 0; column < width; column++) {
    const cell = row + column;
    const kind = kindAt(plain, start + column);
    const isHit = column >= letter && folded.charCodeAt(start + column) === code;
    if (isHit) fillMatch(cell, width, letter, bonus(before, kind));
    else matched[cell] = none;
    fillGap(cell, column);
    before = kind;
  }
}

function fillMatch(cell: number, width: number, letter: number, own: number): void {
  if (letter === 0) {
    matched[cell] = forMatch + own * firstTimes;
    runs[cell] = own;
    return;
  }
  const last = cell - width - 1;
  const [lastMatch, lastGap] = [matched[last] ?? none, gapped[last] ?? none];
  let run = Math.max(runs[last] ?? 0, consecutive);
  if (own >= atBoundary && own > run) run = own;
  const onward = lastMatch === none ? none : lastMatch + Math.max(run, own);
  const anew = lastGap === none ? none : lastGap + own;
  const isOnward = onward > anew;
  matched[cell] = onward === none && anew === none ? none : Math.max(onward, anew) + forMatch;
  runs[cell] = isOnward ? run : own;
  afterMatch[cell] = isOnward ? 1 : 0;
}

function fillGap(cell: number, column: number): void {
  if (column === 0) {
    gapped[cell] = none;
    return;
  }
  const [lastMatch, lastGap] = [matched[cell - 1] ?? none, gapped[cell - 1] ?? none];
  const begun = lastMatch === none ? none : Math.max(0, lastMatch - gapBegins);
  const goesOn = lastGap === none ? none : Math.max(0, lastGap - gapGoesOn);
  gapped[cell] = Math.max(begun, goesOn);
  gapAfterMatch[cell] = begun > goesOn ? 1 : 0;
}

function placesIn({ start, width, column: last }: Table, letters: number): readonly number[] {
  const places = Array.from({ length: letters }, () => start);
  let column = last;
  for (let letter = letters - 1; letter >= 0; letter--) {
    places[letter] = start + column;
    if (letter === 0) break;
    const isOnward = afterMatch[letter * width + column] === 1;
    column -= 1;
    if (isOnward) continue;
    while (gapAfterMatch[(letter - 1) * width + column] === 0 && column > 0) column -= 1;
    column -= 1;
  }
  return places;
}

/** The first way that there is, from its end backwards as close together as it goes. */
function first({ folded }: Haystack, word: string, from: number): readonly number[] {
  let at = from - 1;
  for (const letter of word) at = folded.indexOf(letter, at + 1);
  const places: number[] = [];
  for (let letter = word.length - 1; letter >= 0; letter--) {
    at = folded.lastIndexOf(word.charAt(letter), at);
    places.unshift(at);
    at -= 1;
  }
  return places;
}

/** The score of letters at these places, in order. */
export function scoreAt({ plain }: Haystack, places: readonly number[], from = 0): number {
  let [score, run, last] = [0, 0, -1];
  for (const at of places) {
    const own = bonus(at > from ? kindAt(plain, at - 1) : delimiter, kindAt(plain, at));
    if (last === -1) {
      score = forMatch + own * firstTimes;
      run = own;
    } else if (at === last + 1) {
      run = own >= atBoundary && own > run ? own : run;
      score += forMatch + Math.max(own, run, consecutive);
    } else {
      score = Math.max(0, score - gapBegins - (at - last - 2) * gapGoesOn) + forMatch + own;
      run = own;
    }
    last = at;
  }
  return score;
}
