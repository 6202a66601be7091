/**
 * Splits a stream of server-sent events (WHATWG HTML, section 9.2) as it arrives in chunks.
 *
 * A chunk is looked at as latin1 text: one character per byte, so that searching is quick and
 * positions are byte offsets. Text deltas leave as slices of the chunk; all else as parsed JSON.
 */
import { isAscii, isUtf8 } from "node:buffer";
import { TEXT_DELTA, TextDeltaScan, stringEnd } from "./text-delta-scan.ts";

export interface EventHandler {
  /** `escaped`: the body of a JSON string, valid as it is. */
  textDelta(itemId: string, escaped: Buffer): void;
  /** The data of any other event that `wants` named, or of one that the quick look could not judge. */
  event(data: unknown): void;
}

/** Thrown by `run` when the sender does not keep to sizes. */
export class EventTooLargeError extends Error {
  override readonly name = "EventTooLargeError";
}

const EMPTY: Buffer = Buffer.alloc(0);
/** How many events are handled between two looks at the clock. */
const EVENTS_PER_LOOK = 32;

/** Comparing longer beginnings gains nothing. */
const MAX_HEAD_CHARS = 1024;

const NEWLINE = 0x0a;
const CLOSING_BRACE = 0x7d;
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

export class EventSplitter {
  readonly #handler: EventHandler;
  readonly #wants: ReadonlySet<string>;
  readonly #maxEventBytes: number;
  readonly #scan = new TextDeltaScan();

  #chunk = EMPTY;
  #text = "";
  #at = 0;
  #ascii = true;
  /** The start of a line whose end has not come. */
  #partial: Buffer[] = [];
  /** Data lines of an event whose blank line has not come. */
  #data: Buffer[] = [];
  #heldBytes = 0;
  #itemId = "";
  /** The last text event up to its text, or up to its sequence number: the next one mostly begins the same way. */
  #head = "";
  /** What stands between the sequence number and the text; empty when there is no number. */
  #neck = "";
  /** Whether the event that was just handled was a text event, cut from the chunk. */
  #learnable = false;

  /** `wants`: the event types to parse; others are dropped. */
  constructor(handler: EventHandler, wants: ReadonlySet<string>, maxEventBytes = 16 * 1024 * 1024) {
    this.#handler = handler;
    this.#wants = wants;
    this.#maxEventBytes = maxEventBytes;
  }

  /** Takes the next chunk; the one before must have been run to its end. */
  feed(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#text = chunk.toString("latin1");
    this.#at = 0;
    this.#ascii = isAscii(chunk);
  }

  /** Handles events until the chunk is used up (true) or `mustStop` says so (false). */
  run(mustStop: () => boolean): boolean {
    let events = 0;
    while (this.#at < this.#text.length) {
      if (!this.#quickEvent() && !this.#line()) return true;
      if (++events % EVENTS_PER_LOOK === 0 && mustStop()) return this.#at >= this.#text.length;
    }
    return true;
  }

  /** A whole text event that begins as the last one did, its sequence number aside. */
  #quickEvent(): boolean {
    if (this.#head === "" || this.#data.length > 0 || this.#partial.length > 0) return false;
    const text = this.#text;
    const start = this.#textStart();
    if (start < 0) return false;
    const end = stringEnd(text, start, text.length);
    if (end < 0) return false;
    const lineEnd = text.indexOf("\n", end);
    if (lineEnd < 0 || text.charCodeAt(lineEnd + 1) !== NEWLINE) return false;
    if (text.charCodeAt(lineEnd - 1) !== CLOSING_BRACE) return false;
    const bytes = this.#chunk.subarray(start, end);
    if (!this.#ascii && !isUtf8(bytes)) return false;
    this.#at = lineEnd + 2;
    this.#handler.textDelta(this.#itemId, bytes);
    return true;
  }

  /** Where the text of the event at hand begins, or -1 when it does not begin as the last one did. */
  #textStart(): number {
    const text = this.#text;
    let at = this.#at + this.#head.length;
    // Cutting and comparing is many times faster than `startsWith` here.
    if (text.slice(this.#at, at) !== this.#head) return -1;
    if (this.#neck === "") return at;
    while (isDigit(text.charCodeAt(at))) at++;
    const end = at + this.#neck.length;
    return text.slice(at, end) === this.#neck ? end : -1;
  }

  /** One line; false when its end is not here yet (what there is of it is kept). */
  #line(): boolean {
    const start = this.#at;
    const newline = this.#text.indexOf("\n", start);
    if (newline < 0) {
      this.#keep(this.#partial, this.#chunk.subarray(start));
      this.#at = this.#text.length;
      return false;
    }
    this.#at = newline + 1;
    if (this.#partial.length === 0) this.#handleLine(this.#chunk, this.#text, start, newline);
    else this.#handleJoinedLine(this.#chunk.subarray(start, newline));
    return true;
  }

  #handleJoinedLine(rest: Buffer): void {
    const line = Buffer.concat([...this.#partial, rest]);
    for (const piece of this.#partial) this.#heldBytes -= piece.length;
    this.#partial = [];
    this.#handleLine(line, line.toString("latin1"), 0, line.length);
  }

  #handleLine(bytes: Buffer, text: string, start: number, newline: number): void {
    const end = text.charCodeAt(newline - 1) === 0x0d && newline > start ? newline - 1 : newline;
    if (end === start) this.#dispatchHeld();
    else if (text.startsWith("data", start)) {
      const from = dataStart(text, start, end);
      if (from < 0) return;
      // A blank line right behind: the event is complete and need not be kept.
      const complete = this.#data.length === 0 && bytes === this.#chunk;
      if (complete && text.charCodeAt(newline + 1) === NEWLINE) {
        this.#at = newline + 2;
        this.#dispatch(bytes, text, from, end);
        this.#learnHead(start);
      } else this.#keep(this.#data, bytes.subarray(from, end));
    }
  }

  /** Remembers how the text event that was just handled began, `event:` line included. */
  #learnHead(dataLine: number): void {
    if (!this.#learnable || !this.#scan.textIsLast) return;
    const before = this.#text.lastIndexOf("\n", dataLine - 2) + 1;
    const start = dataLine > 0 && this.#text.startsWith("event:", before) ? before : dataLine;
    const whole = this.#text.slice(start, this.#scan.textStart);
    if (whole.length > MAX_HEAD_CHARS) return;
    const numbered = /^(.*"sequence_number": ?)\d+(,.*)$/s.exec(whole);
    this.#head = numbered?.[1] ?? whole;
    this.#neck = numbered?.[2] ?? "";
  }

  #dispatchHeld(): void {
    if (this.#data.length === 0) return;
    const [first = EMPTY, ...more] = this.#data;
    const joined = more.length === 0 ? first : joinLines(this.#data);
    for (const piece of this.#data) this.#heldBytes -= piece.length;
    this.#data = [];
    this.#dispatch(joined, joined.toString("latin1"), 0, joined.length);
  }

  #dispatch(bytes: Buffer, text: string, start: number, end: number): void {
    this.#learnable = false;
    const scan = this.#scan;
    const verdict = scan.scan(text, start, end);
    if (verdict === "other" && !this.#wants.has(scan.kind)) return;
    if (verdict === "text") {
      const escaped = bytes.subarray(scan.textStart, scan.textEnd);
      const inChunk = bytes === this.#chunk;
      if ((inChunk && this.#ascii) || isUtf8(escaped)) {
        this.#setItemId(text);
        this.#learnable = inChunk;
        this.#handler.textDelta(this.#itemId, escaped);
        return;
      }
    }
    this.#dispatchParsed(bytes.toString("utf8", start, end));
  }

  #setItemId(text: string): void {
    const { itemStart, itemEnd } = this.#scan;
    const same = itemEnd - itemStart === this.#itemId.length;
    if (!same || !text.startsWith(this.#itemId, itemStart)) {
      this.#itemId = text.slice(itemStart, itemEnd);
      this.#head = "";
    }
  }

  /** Data that is not JSON (`[DONE]`, for one) is dropped. */
  #dispatchParsed(json: string): void {
    let data: unknown;
    try {
      data = JSON.parse(json);
    } catch {
      return;
    }
    const delta = textDeltaOf(data);
    if (delta === undefined) this.#handler.event(data);
    else this.#handler.textDelta(delta.itemId, escapeText(delta.text));
  }

  #keep(pieces: Buffer[], piece: Buffer): void {
    this.#heldBytes += piece.length;
    if (this.#heldBytes > this.#maxEventBytes)
      throw new EventTooLargeError(`an event of more than ${this.#maxEventBytes} bytes`);
    pieces.push(piece);
  }
}

/** The body of the JSON string for `text`, as bytes; lone surrogates are replaced. */
export const escapeText = (text: string): Buffer =>
  Buffer.from(JSON.stringify(text.replace(/\p{Surrogate}/gu, "\uFFFD")).slice(1, -1));

function dataStart(text: string, start: number, end: number): number {
  const colon = start + 4;
  if (colon >= end) return end;
  if (text.charCodeAt(colon) !== 0x3a) return -1;
  return text.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1;
}

const joinLines = (lines: readonly Buffer[]): Buffer =>
  Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [Buffer.from("\n"), line])));

function textDeltaOf(data: unknown): { itemId: string; text: string } | undefined {
  if (typeof data !== "object" || data === null || !("type" in data)) return undefined;
  if (data.type !== TEXT_DELTA || !("delta" in data) || typeof data.delta !== "string")
    return undefined;
  const itemId = "item_id" in data && typeof data.item_id === "string" ? data.item_id : "";
  return { itemId, text: data.delta };
}
