import type { CloseReason } from "../../src/protocol/close-codes.ts";
import type { FrameSocket } from "../../src/session/port.ts";
import type { Sent } from "./text-frames.ts";
import { sentIn } from "./text-frames.ts";

/** A socket whose kernel takes everything at once, unless it is told to hold back. */
export class MemorySocket implements FrameSocket {
  /** Each write, with its buffers as they came. */
  readonly writes: (readonly Buffer[])[] = [];
  readonly closes: { readonly reason: CloseReason; readonly message: string }[] = [];
  /** Bytes stay here until `drain`. */
  stuck = false;
  #bufferedBytes = 0;

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  write(frames: readonly Buffer[]): void {
    if (this.closes.length > 0) return;
    this.writes.push(frames);
    if (this.stuck) for (const { length } of frames) this.#bufferedBytes += length;
  }

  /** The kernel took all but `leftBytes`. */
  drain(leftBytes = 0): void {
    this.#bufferedBytes = leftBytes;
  }

  close(reason: CloseReason, message: string): void {
    this.closes.push({ reason, message });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.writes.flat());
  }

  get sent(): readonly Sent[] {
    return sentIn(this.bytes);
  }

  /** The methods of what was sent; answers as `answer ID`. */
  get trace(): readonly string[] {
    return this.sent.map(({ method, id }) => method ?? `answer ${id}`);
  }
}

/** Resolves when what was published in this tick is written. */
export const tick = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
