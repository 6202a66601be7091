/** What is looked for: words that must all be found, each in its own way. */
import { unreachable } from "../util/unreachable.ts";
import { fitPlaces, fitScore, type Haystack, scoreAt } from "./fuzzy-score.ts";

/** `fuzzy`: its letters, in order; `part`: as it stands; `begin`, `end`, `whole`: there. */
type WordKind = "fuzzy" | "part" | "begin" | "end" | "whole";

interface Word {
  readonly kind: WordKind;
  /** It must not be found. */
  readonly isNegated: boolean;
  /** In lower case. */
  readonly text: string;
}

/** Of a longer query the beginning counts. */
const maxQueryLength = 256;

export class SearchPattern {
  readonly #words: readonly Word[];
  /** The only word, where it is a fuzzy one: it is looked for in names first. */
  readonly #single: string | undefined;
  /** Bits of the characters without which nothing is found. */
  readonly #mask: number;

  constructor(query: string) {
    this.#words = wordsOf(query.slice(0, maxQueryLength));
    const [word, ...more] = this.#words;
    const isSingle = word?.kind === "fuzzy" && !word.isNegated && more.length === 0;
    this.#single = isSingle ? word.text : undefined;
    this.#mask = this.#words
      .filter(({ isNegated }) => !isNegated)
      .reduce((mask, { text }) => mask | charactersOf(text), 0);
  }

  get isEmpty(): boolean {
    return this.#words.length === 0;
  }

  /** False: it is not found in a text of these characters. */
  mayFit(characters: number): boolean {
    return (characters & foreign) !== 0 || (characters & this.#mask) === this.#mask;
  }

  /** Undefined: it does not fit. `nameAt`: where the last part of the path begins. `least`: lower scores are not asked for. */
  score(path: string, nameAt: number, isFolder: boolean, least: number): number | undefined {
    const name = this.#nameScore(path, nameAt, isFolder);
    if (name !== undefined) return name;
    if (this.#single !== undefined && least >= inName) return undefined;
    let sum = 0;
    for (const word of this.#words) {
      const score = wordScore(word, haystack(path, word.text));
      if (score === undefined) return undefined;
      sum += score;
    }
    return sum;
  }

  /** Where in the path its characters are found, by code points. */
  places(path: string, nameAt: number, isFolder: boolean): readonly number[] {
    const inTheName = this.#nameScore(path, nameAt, isFolder) !== undefined;
    const units = inTheName
      ? fitPlaces(haystack(path, this.#single ?? ""), this.#single ?? "", nameAt)
      : this.#words.flatMap((word) => wordPlaces(word, haystack(path, word.text)));
    const sorted = [...new Set(units)].toSorted((one, other) => one - other);
    return /[\uD800-\uDFFF]/.test(path)
      ? sorted.map((unit) => unit - pairsIn(path.slice(0, unit)))
      : sorted;
  }

  /** A word that fits the name of a file, or is the name of a file or folder, counts more than any way through the path. */
  #nameScore(path: string, nameAt: number, isFolder: boolean): number | undefined {
    const word = this.#single;
    if (word === undefined) return undefined;
    const text = haystack(path, word);
    const isWhole = text.folded.length - nameAt === word.length && text.folded.endsWith(word);
    if (isFolder && !isWhole) return undefined;
    const score = fitScore(text, word, nameAt);
    if (score === undefined) return undefined;
    return score + inName * (isWhole ? (isFolder ? 2 : 3) : 1);
  }
}

/** How many of its characters take two units. */
const pairsIn = (text: string): number =>
  text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0;

/** What a match in the name is worth, above all scores of letters. */
const inName = 65_536;

/** By the stock server's signs: `!not`, `^begin`, `end$`, `'part`; a backslash takes the meaning from what follows. */
function wordsOf(query: string): readonly Word[] {
  return (query.match(/(?:\\\s|\S)+/gu) ?? []).flatMap((raw) => {
    let text = raw;
    const take = (sign: string): boolean => {
      const isThere = text.startsWith(sign);
      if (isThere) text = text.slice(sign.length);
      return isThere;
    };
    const isNegated = take("!");
    let kind: WordKind = isNegated ? "part" : "fuzzy";
    if (take("^")) kind = "begin";
    else if (take("'")) kind = "part";
    if (text.endsWith("$") && !text.endsWith("\\$")) {
      text = text.slice(0, -1);
      kind = kind === "begin" ? "whole" : "end";
    }
    const plain = text.replace(/^\\(?=[!^'])/, "").replace(/\\(?=\$$)/, "");
    const word = plain.replaceAll(/\\(?=\s)/gu, "").toLowerCase();
    return word === "" ? [] : [{ kind, isNegated, text: word }];
  });
}

function wordScore(word: Word, text: Haystack): number | undefined {
  if (word.isNegated) return found({ ...word, isNegated: false }, text) ? undefined : 0;
  if (word.kind === "fuzzy") return fitScore(text, word.text, 0);
  const places = found(word, text);
  return places && scoreAt(text, places);
}

const wordPlaces = (word: Word, text: Haystack): readonly number[] =>
  word.isNegated
    ? []
    : word.kind === "fuzzy"
      ? fitPlaces(text, word.text, 0)
      : (found(word, text) ?? []);

function found({ kind, text: word }: Word, text: Haystack): readonly number[] | undefined {
  const { folded } = text;
  const end = folded.length - word.length;
  switch (kind) {
    case "begin":
      return folded.startsWith(word) ? from(0, word) : undefined;
    case "end":
      return folded.endsWith(word) ? from(end, word) : undefined;
    case "whole":
      return folded === word ? from(0, word) : undefined;
    case "fuzzy":
    case "part":
      return bestPart(text, word);
    default:
      return unreachable(kind);
  }
}

const from = (start: number, word: string): readonly number[] =>
  Array.from({ length: word.length }, (_, index) => start + index);

function bestPart(text: Haystack, word: string): readonly number[] | undefined {
  let best: readonly number[] | undefined;
  for (let at = text.folded.indexOf(word); at !== -1; at = text.folded.indexOf(word, at + 1)) {
    const places = from(at, word);
    if (!best || scoreAt(text, places) > scoreAt(text, best)) best = places;
  }
  return best;
}

/** Accents count where the word has some. */
function haystack(path: string, word: string): Haystack {
  if (isAscii(path)) return { plain: path, folded: path.toLowerCase() };
  const keepsAccents = !isAscii(word);
  const folded = Array.from({ length: path.length }, (_, at) => {
    const unit = path.charAt(at);
    const base = keepsAccents ? unit : (unit.normalize("NFD")[0] ?? unit);
    const low = base.toLowerCase();
    return low.length === 1 ? low : unit;
  });
  return { plain: path, folded: folded.join("") };
}

const isAscii = (text: string): boolean => /^[\0-\x7F]*$/.test(text);

/** A bit for each letter, one for all digits, one for all other ASCII, one for the rest. */
const [digitBit, otherBit, foreign] = [1 << 26, 1 << 27, 1 << 28];

export function charactersOf(text: string): number {
  let mask = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const low = code | 32;
    if (low >= 97 && low <= 122) mask |= 1 << (low - 97);
    else if (code >= 48 && code <= 57) mask |= digitBit;
    else if (code >= 128) mask |= foreign;
    else mask |= otherBit;
  }
  return mask;
}
