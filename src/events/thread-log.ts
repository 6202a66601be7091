import type { RequestId } from "../protocol/ids.ts";
import { frameEnd } from "../util/text-frame.ts";
import type { Mark } from "./entry.ts";

/** Memory is taken in pieces that double from the first size to the second. */
const firstChunkBytes = 1024;
const maxChunkBytes = 64 * 1024;

interface Chunk {
  readonly bytes: Buffer;
  /** The number of its first frame. */
  readonly firstSeq: number;
  used: number;
  /** When its newest frame was written. */
  lastMs: number;
}

/** A frame of the log, or several that lie one behind the other. */
export interface LoggedFrame {
  readonly seq: number;
  /** The memory that holds it, and where in it. */
  readonly memory: Buffer;
  readonly start: number;
  readonly end: number;
  readonly mark: Mark | undefined;
}

/**
 * The newest frames of one thread, numbered without gaps. They are written straight into its
 * memory, one behind the other, so that keeping them costs no copy and no object per frame; a
 * frame's header says where it ends.
 */
export class ThreadLog {
  readonly epoch: string;
  readonly #onGrowth: (bytes: number) => void;
  #head = 0;
  #chunks: Chunk[] = [];
  readonly #marks = new Map<number, Mark>();
  #capacity = 0;

  /** `onGrowth`: so many bytes more, or fewer, are held now. */
  constructor(epoch: string, onGrowth: (bytes: number) => void = () => {}) {
    this.epoch = epoch;
    this.#onGrowth = onGrowth;
  }

  /** The number of the newest frame; 0 before the first. */
  get head(): number {
    return this.#head;
  }

  /** The oldest number from which on everything is here. */
  get first(): number {
    return this.#chunks[0]?.firstSeq ?? this.#head + 1;
  }

  /** Bytes of memory that it holds. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Counts the next frame, `head` from now on, and gives its memory, which must be filled at once. */
  append(frameBytes: number, nowMs: number, mark?: Mark): Buffer {
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || chunk.bytes.length - chunk.used < frameBytes) {
      chunk = this.#grow(frameBytes, nowMs);
    }
    const start = chunk.used;
    chunk.used += frameBytes;
    chunk.lastMs = nowMs;
    this.#head += 1;
    if (mark !== undefined) this.#marks.set(this.#head, mark);
    return chunk.bytes.subarray(start, chunk.used);
  }

  /** The frames behind `seq`, which must not be older than `first - 1`. */
  *after(seq: number): Generator<LoggedFrame> {
    const from = this.#chunks.findLastIndex(({ firstSeq }) => firstSeq <= seq + 1);
    for (const { bytes: memory, used, firstSeq } of this.#chunks.slice(Math.max(0, from))) {
      let at = firstSeq;
      for (let start = 0; start < used; at++) {
        const end = frameEnd(memory, start);
        if (at > seq) yield { seq: at, memory, start, end, mark: this.#marks.get(at) };
        start = end;
      }
    }
  }

  /** A question that nobody is told the end of: whoever comes later must not see it. */
  withhold(requestId: RequestId): void {
    for (const [seq, mark] of this.#marks) {
      if (mark.kind === "ask" && mark.requestId === requestId) {
        this.#marks.set(seq, { kind: "withheld" });
      }
    }
  }

  /** How many bytes `after` gives, or a little more. */
  bytesAfter(seq: number): number {
    let bytes = 0;
    for (let index = this.#chunks.length - 1; index >= 0; index--) {
      const chunk = this.#chunks[index];
      bytes += chunk?.used ?? 0;
      if ((chunk?.firstSeq ?? 0) <= seq + 1) break;
    }
    return bytes;
  }

  /** Gives the oldest memory back; false when there is none. */
  dropOldest(): boolean {
    const dropped = this.#chunks.shift();
    if (dropped === undefined) return false;
    this.#resized(-dropped.bytes.length);
    for (const seq of this.#marks.keys()) {
      if (seq >= this.first) break;
      this.#marks.delete(seq);
    }
    return true;
  }

  /** Gives back what holds nothing newer than `oldestMs`. */
  dropUntil(oldestMs: number): void {
    while (this.#chunks[0] && this.#chunks[0].lastMs < oldestMs) this.dropOldest();
  }

  clear(): void {
    while (this.dropOldest());
  }

  #grow(frameBytes: number, nowMs: number): Chunk {
    const doubled = (this.#chunks.at(-1)?.bytes.length ?? firstChunkBytes / 2) * 2;
    const size = Math.max(frameBytes, Math.min(doubled, maxChunkBytes));
    const bytes = Buffer.allocUnsafeSlow(size);
    const chunk = { bytes, firstSeq: this.#head + 1, used: 0, lastMs: nowMs };
    this.#chunks.push(chunk);
    this.#resized(size);
    return chunk;
  }

  #resized(bytes: number): void {
    this.#capacity += bytes;
    this.#onGrowth(bytes);
  }
}
