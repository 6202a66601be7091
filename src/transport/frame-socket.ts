/**
 * What a session writes to: ready frames go straight to the TCP or TLS socket under the WebSocket, all of one call
 * in one system call. ws itself writes pongs, pings and the closing frame to the same socket, always whole frames
 * and never queued, because nothing is compressed: so the order holds.
 */
import type { Socket } from "node:net";
import type { CloseReason } from "../protocol/close-codes.ts";
import { closeCodes } from "../protocol/close-codes.ts";
import type { FrameSocket, SessionEnd } from "../session/port.ts";
import type { Counters } from "./counters.ts";

/** What is used of a WebSocket. */
export interface ClosableSocket {
  readonly readyState: number;
  readonly OPEN: number;
  readonly session: SessionEnd | undefined;
  close(code: number, reason: string): void;
}

/** RFC 6455, section 5.5: a control frame's payload is at most 125 bytes, of which the code takes two. */
const maxReasonBytes = 123;

export class RawFrameSocket implements FrameSocket {
  readonly #socket: ClosableSocket;
  readonly #raw: Socket;
  readonly #counters: Counters;
  #awaitsDrain = false;

  constructor(socket: ClosableSocket, raw: Socket, counters: Counters) {
    this.#socket = socket;
    this.#raw = raw;
    this.#counters = counters;
  }

  write(frames: readonly Buffer[]): void {
    const raw = this.#raw;
    if (this.#socket.readyState !== this.#socket.OPEN || raw.destroyed) return;
    raw.cork();
    for (const frame of frames) {
      this.#counters.bytesOut += frame.length;
      raw.write(frame);
    }
    raw.uncork();
    if (raw.writableNeedDrain && raw.writableLength > 0) this.#awaitDrain();
  }

  /** The bytes that wait in this process. */
  get bufferedBytes(): number {
    return this.#raw.writableLength;
  }

  close(reason: CloseReason, message: string): void {
    this.#socket.close(closeCodes[reason], shortened(message));
  }

  /** A listener only while bytes wait: an idle connection carries none. */
  #awaitDrain(): void {
    if (this.#awaitsDrain) return;
    this.#awaitsDrain = true;
    this.#raw.once("drain", () => {
      this.#awaitsDrain = false;
      this.#socket.session?.drained();
    });
  }
}

function shortened(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= maxReasonBytes) return message;
  // A character that was cut in the middle decodes to U+FFFD; it is dropped with the rest.
  return bytes
    .subarray(0, maxReasonBytes)
    .toString()
    .replace(/\uFFFD+$/u, "");
}
