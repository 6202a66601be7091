/** The border between transport, which owns sockets, and session, which decides what is sent. */
import type { CloseReason } from "../protocol/close-codes.ts";
import type { Principal } from "../protocol/principal.ts";

/** One WebSocket as a session sees it. The session is its only writer. */
export interface FrameSocket {
  /** Queues complete WebSocket frames; one system call however many there are. Ignored once closed. */
  write(frames: readonly Buffer[]): void;
  /** Bytes that the kernel has not taken yet. */
  readonly bufferedBytes: number;
  close(reason: CloseReason, message: string): void;
}

/** What transport tells a session. */
export interface SessionEnd {
  /** One text message. */
  received(text: string): void;
  /** A frame that cannot be JSON-RPC (binary). */
  receivedGarbage(): void;
  /** The kernel took what was buffered. */
  drained(): void;
  /** `code`: the close code (RFC 6455, section 7.4). */
  closed(code: number): void;
}

export interface Sessions {
  open(principal: Principal, socket: FrameSocket): SessionEnd;
  /** Closes every session of a principal, or of one grant. */
  end(endedId: string, reason: CloseReason, message: string): void;
  /** Closes all with 1001 and resolves when their last frames are written. */
  closeAll(): Promise<void>;
  readonly count: number;
}
