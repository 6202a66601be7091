import type { Outlet, Subscriptions } from "../events/port.ts";
import type { TextStream } from "../events/text-stream.ts";
import type { Role } from "../protocol/principal.ts";
import { mayAct } from "../protocol/principal.ts";
import type { RequestId, ThreadId } from "../protocol/ids.ts";
import type { FrameSocket } from "./port.ts";

/** How far a connection may fall behind. */
export interface ByteBudget {
  /** Past this many unsent bytes deltas stop; state goes on. */
  readonly softBytes: number;
  /** Past this many the connection is closed with 1013. */
  readonly hardBytes: number;
}

/** Under this size the frames of a tick are joined: one buffer costs the kernel less than many. */
const joinBytes = 128 * 1024;
const nothing: ReadonlySet<string> = new Set();

/** Everything that goes out on one connection, in order, written once per tick. The socket's only writer. */
export class Outbox implements Outlet {
  readonly #socket: FrameSocket;
  readonly #hub: Subscriptions;
  readonly #budget: ByteBudget;
  readonly #role: Role;
  readonly sees?: (threadId: ThreadId) => boolean;
  #frames: Buffer[] = [];
  #pendingBytes = 0;
  #lagging = false;
  #optOut = nothing;
  #asked: Set<RequestId> | undefined;
  #missed: Map<TextStream, number> | undefined;
  #waiting: (() => void)[] | undefined;

  /** `sees`: where not everything is to be told. */
  constructor(
    socket: FrameSocket,
    hub: Subscriptions,
    budget: ByteBudget,
    role: Role,
    sees?: (threadId: ThreadId) => boolean,
  ) {
    this.#socket = socket;
    this.#hub = hub;
    this.#budget = budget;
    this.#role = role;
    if (sees) this.sees = sees;
  }

  get takesAll(): boolean {
    return this.#optOut.size === 0 && this.sees === undefined;
  }

  get lagging(): boolean {
    return this.#lagging;
  }

  mayAnswer(role: Role): boolean {
    return mayAct(this.#role, role);
  }

  optOut(methods: ReadonlySet<string>): void {
    this.#optOut = methods;
  }

  wants(method: string): boolean {
    return !this.#optOut.has(method);
  }

  push(frames: Buffer): void {
    this.#frames.push(frames);
    this.#pendingBytes += frames.length;
  }

  /** Puts a frame, which may be in pieces, behind everything that was published so far, to go out at the end of the tick. */
  send(...frame: readonly Buffer[]): void {
    this.#hub.deliver();
    for (const piece of frame) this.push(piece);
    this.#hub.touch(this);
  }

  /** Undefined: there is room. Else it resolves when there is again, or when `release` is called. */
  whenRoom(): Promise<void> | undefined {
    if (!this.#lagging && this.#pendingBytes <= this.#budget.softBytes) return undefined;
    return new Promise((resolve) => {
      this.#waiting ??= [];
      this.#waiting.push(resolve);
    });
  }

  /** Lets everybody go on who waits for room. */
  release(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const resolve of waiting) resolve();
  }

  missed(stream: TextStream, offset: number): void {
    this.#missed ??= new Map();
    if (!this.#missed.has(stream)) this.#missed.set(stream, offset);
  }

  /** Nothing is owed any more of this thread's texts: it is no longer watched, or was shown anew. */
  forget(threadId: ThreadId): void {
    for (const stream of this.#missed?.keys() ?? []) {
      if (stream.threadId === threadId) this.#missed?.delete(stream);
    }
  }

  asked(requestId: RequestId): void {
    this.#asked ??= new Set();
    this.#asked.add(requestId);
  }

  resolved(requestId: RequestId): void {
    this.#asked?.delete(requestId);
  }

  wasAsked(requestId: RequestId): boolean {
    return this.#asked?.has(requestId) ?? false;
  }

  flush(): void {
    if (this.#frames.length === 0) return;
    const frames = this.#frames;
    const bytes = this.#pendingBytes;
    this.#frames = [];
    this.#pendingBytes = 0;
    this.#socket.write(
      frames.length > 1 && bytes < joinBytes ? [Buffer.concat(frames, bytes)] : frames,
    );
    const unsent = this.#socket.bufferedBytes;
    if (unsent > this.#budget.hardBytes) {
      this.#socket.close(
        "tryAgainLater",
        `reads too slowly: ${unsent} bytes unsent; reconnect and resume`,
      );
    } else if (unsent > this.#budget.softBytes) {
      this.#lagging = true;
    }
    if (!this.#lagging && this.#waiting) this.release();
  }

  /** The kernel took what was waiting: what was missed is made up for in one delta per item. */
  drained(nowMs: number): void {
    if (!this.#lagging || this.#socket.bufferedBytes > this.#budget.softBytes / 2) return;
    this.#hub.deliver();
    this.#lagging = false;
    const missed = this.#missed ?? [];
    this.#missed = undefined;
    for (const [stream, offset] of missed) {
      const frame = stream.frameSince(offset, nowMs);
      if (frame) this.push(frame);
    }
    this.#hub.touch(this);
    this.release();
  }
}
