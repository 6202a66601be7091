/**
 * Cuts the text out of a `response.output_text.delta` event without parsing it.
 *
 * The line is given as latin1, one character per byte, so positions are byte offsets. What the
 * scan cannot vouch for byte by byte is left to `JSON.parse`: it answers `unsure`.
 */

export type ScanVerdict =
  /** `textStart`, `textEnd`, `itemStart` and `itemEnd` are set. */
  | "text"
  /** Another kind of event; `kind` is set. */
  | "other"
  | "unsure";

export const TEXT_DELTA = "response.output_text.delta";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export class TextDeltaScan {
  itemStart = 0;
  itemEnd = 0;
  /** The raw, still escaped body of the delta. */
  textStart = 0;
  textEnd = 0;
  /** Whether all other members that matter stood before the text. */
  textIsLast = false;
  kind = "";

  /** Looks at the JSON object in `line[start, end)`. */
  scan(line: string, start: number, end: number): ScanVerdict {
    let at = skipBlanks(line, start);
    if (line.charCodeAt(at) !== 0x7b || !endsWithBrace(line, end)) return "unsure";
    this.kind = "";
    let found = 0;
    at++;
    while (at < end) {
      at = skipBlanks(line, at);
      if (line.charCodeAt(at) !== QUOTE) return "unsure";
      const keyStart = at + 1;
      const keyEnd = plainStringEnd(line, keyStart, end);
      if (keyEnd < 0) return "unsure";
      at = skipBlanks(line, keyEnd + 1);
      if (line.charCodeAt(at) !== 0x3a) return "unsure";
      at = skipBlanks(line, at + 1);
      if (line.charCodeAt(at) !== QUOTE) {
        at = scalarEnd(line, at, end);
        if (at < 0) return "unsure";
      } else {
        const valueEnd = stringEnd(line, at + 1, end);
        if (valueEnd < 0) return "unsure";
        const member = this.#take(line, keyStart, keyEnd, at + 1, valueEnd);
        if (member === "other" || member === "unsure") return member;
        found |= member;
        if (found === ALL) {
          this.textIsLast = member === TEXT;
          return "text";
        }
        at = valueEnd + 1;
      }
      at = skipBlanks(line, at);
      if (line.charCodeAt(at) !== 0x2c) return "unsure";
      at++;
    }
    return "unsure";
  }

  #take(
    line: string,
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number,
  ): number | "other" | "unsure" {
    const keyLength = keyEnd - keyStart;
    if (keyLength === 4 && line.startsWith("type", keyStart)) {
      if (valueEnd - valueStart === TEXT_DELTA.length && line.startsWith(TEXT_DELTA, valueStart))
        return TYPE;
      this.kind = line.slice(valueStart, valueEnd);
      return this.kind.includes("\\") ? "unsure" : "other";
    }
    if (keyLength === 7 && line.startsWith("item_id", keyStart)) {
      if (plainStringEnd(line, valueStart, valueEnd + 1) !== valueEnd) return "unsure";
      this.itemStart = valueStart;
      this.itemEnd = valueEnd;
      return ITEM;
    }
    if (keyLength === 5 && line.startsWith("delta", keyStart)) {
      this.textStart = valueStart;
      this.textEnd = valueEnd;
      return TEXT;
    }
    return 0;
  }
}

const TYPE = 1;
const ITEM = 2;
const TEXT = 4;
const ALL = TYPE | ITEM | TEXT;

/** The position of the quote that ends a JSON string, or -1 when the string is not valid JSON on its own. */
export function stringEnd(line: string, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const code = line.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) {
      at = escapeEnd(line, at);
      if (at < 0) return -1;
    } else if (code < 0x20) return -1;
    else at++;
  }
  return -1;
}

/** Past the escape at `at`; a surrogate counts only with its partner. -1: not an escape. */
function escapeEnd(line: string, at: number): number {
  const code = line.charCodeAt(at + 1);
  if (code !== 0x75) return SHORT_ESCAPES.has(code) ? at + 2 : -1;
  const unit = hexUnit(line, at + 2);
  if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return -1;
  if (unit < 0xd800 || unit > 0xdbff) return at + 6;
  if (!line.startsWith("\\u", at + 6)) return -1;
  const low = hexUnit(line, at + 8);
  return low >= 0xdc00 && low <= 0xdfff ? at + 12 : -1;
}

/** `" \ / b f n r t` (RFC 8259, section 7). */
const SHORT_ESCAPES = new Set([0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74]);

function hexUnit(line: string, at: number): number {
  const digits = line.slice(at, at + 4);
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
}

/** Like `stringEnd` for a string of printable ASCII without escapes. */
function plainStringEnd(line: string, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const code = line.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH || code < 0x20 || code > 0x7e) return -1;
  }
  return -1;
}

/** Past a number, `true`, `false`, `null`, `[]` or `{}`; -1 for anything deeper. */
function scalarEnd(line: string, start: number, end: number): number {
  if (line.startsWith("[]", start) || line.startsWith("{}", start)) return start + 2;
  let at = start;
  while (at < end && isScalarCode(line.charCodeAt(at))) at++;
  return at === start ? -1 : at;
}

/** Digits, letters, `+`, `-` and `.`. */
const isScalarCode = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) ||
  (code >= 0x61 && code <= 0x7a) ||
  code === 0x45 ||
  code === 0x2b ||
  code === 0x2d ||
  code === 0x2e;

function skipBlanks(line: string, start: number): number {
  let at = start;
  while (line.charCodeAt(at) === 0x20 || line.charCodeAt(at) === 0x09) at++;
  return at;
}

function endsWithBrace(line: string, end: number): boolean {
  let at = end - 1;
  while (line.charCodeAt(at) === 0x20 || line.charCodeAt(at) === 0x09) at--;
  return line.charCodeAt(at) === 0x7d;
}
