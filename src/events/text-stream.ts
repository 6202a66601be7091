import type { NotificationSpec } from "../protocol/define.ts";
import type { ThreadId } from "../protocol/ids.ts";
import type { ThreadLog } from "./thread-log.ts";
import { textFrameHeaderBytes, writeTextFrameHeader } from "../util/text-frame.ts";

/** Past this the beginning is no longer kept for late readers; the completed item brings the whole text. */
const maxKeptBytes = 8 * 1024 * 1024;

/**
 * The growing text of one item. Everything around the text is built once; a delta copies its
 * escaped bytes between prefix and suffix into a ready frame, without parsing or serialising.
 * The text so far is kept, so that a reader that fell behind gets what it missed in one delta.
 */
export class TextStream {
  readonly threadId: ThreadId;
  readonly method: string;
  readonly #prefix: Buffer;
  /** ASCII, so that it has as many bytes as characters. */
  readonly #suffix: string;
  #kept = Buffer.allocUnsafe(256);
  #length = 0;
  #overflowed = false;
  #open = true;

  /** `params`: the notification's members apart from `delta`. */
  constructor(
    spec: NotificationSpec,
    params: { readonly threadId: ThreadId; readonly [member: string]: unknown },
  ) {
    const { threadId, ...rest } = params;
    const head = JSON.stringify({ threadId, turnId: rest["turnId"], itemId: rest["itemId"] });
    const extra = Object.entries(rest).filter(([key]) => key !== "turnId" && key !== "itemId");
    this.threadId = threadId;
    this.method = spec.name;
    this.#prefix = Buffer.from(`{"method":"${spec.name}","params":${head.slice(0, -1)},"delta":"`);
    const members = extra.map(([key, value]) => `,"${key}":${JSON.stringify(value)}`).join("");
    this.#suffix = `"${members.replaceAll(beyondAscii, unicodeEscape)}}`;
  }

  /** Where the next delta begins, in escaped bytes. */
  get offset(): number {
    return this.#length;
  }

  /** False once the item is completed: nothing is owed to late readers any more. */
  get open(): boolean {
    return this.#open;
  }

  /** Takes the next piece and gives its frame, which is the next one of its thread's log. */
  append(escaped: Buffer, emittedAtMs: number, log: ThreadLog): Buffer {
    this.#keep(escaped);
    const tail = this.#tail(emittedAtMs, log.head + 1);
    return this.#fill(log.append(this.#frameBytes(escaped, tail), emittedAtMs), escaped, tail);
  }

  /** One delta with everything from one offset to another, or undefined when it is no longer kept. */
  frameOf(from: number, to: number, emittedAtMs: number, seq: number): Buffer | undefined {
    if (!this.#open || this.#overflowed || from >= to) return undefined;
    const escaped = this.#kept.subarray(from, to);
    const tail = this.#tail(emittedAtMs, seq);
    return this.#fill(Buffer.allocUnsafe(this.#frameBytes(escaped, tail)), escaped, tail);
  }

  /** The text so far; the last 8 MiB boundary apart, what the completed item will hold. */
  text(): string {
    return decodeEscaped(this.#kept.subarray(0, this.#overflowed ? 0 : this.#length));
  }

  close(): void {
    this.#open = false;
    this.#kept = Buffer.alloc(0);
    this.#overflowed = true;
  }

  #tail(emittedAtMs: number, seq: number): string {
    return `${this.#suffix},"emittedAtMs":${emittedAtMs},"seq":${seq}}`;
  }

  #frameBytes(escaped: Buffer, tail: string): number {
    const payloadBytes = this.#prefix.length + escaped.length + tail.length;
    return textFrameHeaderBytes(payloadBytes) + payloadBytes;
  }

  #fill(frame: Buffer, escaped: Buffer, tail: string): Buffer {
    const payloadBytes = this.#prefix.length + escaped.length + tail.length;
    let at = writeTextFrameHeader(frame, payloadBytes);
    at += this.#prefix.copy(frame, at);
    at += escaped.copy(frame, at);
    frame.write(tail, at, "latin1");
    return frame;
  }

  #keep(escaped: Buffer): void {
    const needed = this.#length + escaped.length;
    if (needed > maxKeptBytes) {
      this.#overflowed = true;
      this.#kept = Buffer.alloc(0);
    }
    if (!this.#overflowed) {
      if (needed > this.#kept.length) {
        const grown = Buffer.allocUnsafe(Math.max(needed, this.#kept.length * 2));
        this.#kept.copy(grown, 0, 0, this.#length);
        this.#kept = grown;
      }
      escaped.copy(this.#kept, this.#length);
    }
    this.#length = needed;
  }
}

const beyondAscii = /[^ -~]/g;
const unicodeEscape = (unit: string): string =>
  `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** The body of a JSON string for `text`, as bytes. */
export const escapeText = (text: string): Buffer => Buffer.from(JSON.stringify(text).slice(1, -1));

/** The text behind the body of a JSON string. */
export function decodeEscaped(escaped: Buffer): string {
  const text: unknown = JSON.parse(`"${escaped.toString("utf8")}"`);
  return String(text);
}
