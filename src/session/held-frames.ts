import type { Delta } from "../events/port.ts";
import type { ThreadId } from "../protocol/ids.ts";

/** What the frame of a delta holds besides its text, about. */
const deltaFrameBytes = 256;

type Held =
  | { readonly kind: "frame"; readonly threadId: ThreadId | undefined; readonly frame: Buffer }
  /** `seq`: of the newest delta in it. */
  | { readonly kind: "text"; readonly threadId: ThreadId; delta: Delta };

/**
 * What a connection that reads too slowly will be given, in its order. Deltas of one stream that
 * nothing of their thread came between are one delta in the end, under the number of the last: so a number
 * that the connection has seen says that it has everything before it, too.
 */
export class HeldFrames {
  #held: Held[] = [];
  #bytes = 0;
  #lost = false;

  /** Whether `frames` had to leave out a text that is not kept any more. */
  get lost(): boolean {
    return this.#lost;
  }

  /** About what `frames` gives. */
  get bytes(): number {
    return this.#bytes;
  }

  add(frame: Buffer, threadId: ThreadId | undefined): void {
    this.#held.push({ kind: "frame", threadId, frame });
    this.#bytes += frame.length;
  }

  addText(delta: Delta): void {
    const last = this.#held.at(-1);
    if (last?.kind === "text" && last.delta.stream === delta.stream) {
      last.delta = { ...delta, from: last.delta.from };
    } else {
      this.#held.push({ kind: "text", threadId: delta.stream.threadId, delta });
      this.#bytes += deltaFrameBytes;
    }
    this.#bytes += delta.to - delta.from;
  }

  forget(threadId: ThreadId): void {
    this.#held = this.#held.filter((held) => held.threadId !== threadId);
    this.#bytes = this.#held.reduce((sum, held) => sum + sizeOf(held), 0);
  }

  /** Texts of items that were completed meanwhile are left out: the completed item is among the rest. */
  *frames(nowMs: number): Generator<Buffer> {
    for (const held of this.#held) {
      if (held.kind === "frame") yield held.frame;
      else {
        const { stream, from, to, seq } = held.delta;
        const frame = stream.frameOf(from, to, nowMs, seq);
        if (frame) yield frame;
        else if (stream.open) this.#lost = true;
      }
    }
  }
}

const sizeOf = (held: Held): number =>
  held.kind === "frame" ? held.frame.length : held.delta.to - held.delta.from + deltaFrameBytes;
