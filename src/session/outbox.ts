import type { Delta, Outlet, Subscriptions } from "../events/port.ts";
import type { Role } from "../protocol/principal.ts";
import { mayAct } from "../protocol/principal.ts";
import type { RequestId, ThreadId } from "../protocol/ids.ts";
import { HeldFrames } from "./held-frames.ts";
import { approvalInboxChanged } from "../protocol/request-notifications.ts";
import type { FrameSocket } from "./port.ts";

/** How far a connection may fall behind. */
export interface ByteBudget {
  /** Past this many unsent bytes everything is held back, and texts are joined. */
  readonly softBytes: number;
  /** Past this many the connection is closed with 1013; answers to what it asked come on top, see `answerBytes`. */
  readonly hardBytes: number;
  /** So many unsent bytes of answers are allowed besides; one answer alone may be of any size. */
  readonly answerBytes: number;
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
  /** Of answers, since everything was sent. */
  #answerBytes = 0;
  #longestAnswerBytes = 0;
  #lagging = false;
  #optOut = nothing;
  #asked: Set<RequestId> | undefined;
  #inbox: Set<RequestId> | undefined;
  #held: HeldFrames | undefined;
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
    if (method === approvalInboxChanged.name && this.#inbox === undefined) return false;
    return !this.#optOut.has(method);
  }

  /** It was shown these server requests in its inbox, and may answer them; earlier ones of the inbox no more. */
  inboxShown(requestIds: Iterable<RequestId>): void {
    this.#inbox = new Set(requestIds);
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

  /** Sends an answer: who asked for much does not read too slowly for waiting for it. */
  answer(...frame: readonly Buffer[]): void {
    const bytes = frame.reduce((sum, piece) => sum + piece.length, 0);
    this.#answerBytes += bytes;
    this.#longestAnswerBytes = Math.max(this.#longestAnswerBytes, bytes);
    this.send(...frame);
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

  hold(frame: Buffer, threadId: ThreadId | undefined): void {
    this.#held ??= new HeldFrames();
    this.#held.add(frame, threadId);
  }

  missed(delta: Delta): void {
    this.#held ??= new HeldFrames();
    this.#held.addText(delta);
  }

  /** Nothing is owed any more of this thread: it is no longer watched, or was shown anew. */
  forget(threadId: ThreadId): void {
    this.#held?.forget(threadId);
  }

  /** Whether so many bytes more leave room for what comes after them. */
  hasRoomFor(bytes: number): boolean {
    const waiting = this.#pendingBytes + this.#socket.bufferedBytes + (this.#held?.bytes ?? 0);
    return waiting + bytes <= this.#budget.hardBytes / 2;
  }

  asked(requestId: RequestId): void {
    this.#asked ??= new Set();
    this.#asked.add(requestId);
  }

  resolved(requestId: RequestId): void {
    this.#asked?.delete(requestId);
    this.#inbox?.delete(requestId);
  }

  wasAsked(requestId: RequestId): boolean {
    return (this.#asked?.has(requestId) || this.#inbox?.has(requestId)) ?? false;
  }

  flush(): void {
    const held = this.#held?.bytes ?? 0;
    if (this.#frames.length === 0 && held === 0) return;
    if (this.#frames.length > 0) this.#write();
    const unsent = this.#socket.bufferedBytes + held;
    if (unsent === 0) this.#allSent();
    if (unsent > this.#hardBytes()) {
      this.#socket.close(
        "tryAgainLater",
        `reads too slowly: ${unsent} bytes unsent; reconnect and resume`,
      );
    } else if (unsent > this.#budget.softBytes) {
      this.#lagging = true;
    }
    if (!this.#lagging && this.#waiting) this.release();
  }

  /** The kernel took what was waiting: what was held back goes out, texts in one delta where they are of one piece. */
  drained(nowMs: number): void {
    if (this.#socket.bufferedBytes === 0) this.#allSent();
    if (!this.#lagging || this.#socket.bufferedBytes > this.#budget.softBytes / 2) return;
    this.#hub.deliver();
    this.#lagging = false;
    const held = this.#held;
    this.#held = undefined;
    for (const frame of held?.frames(nowMs) ?? []) this.push(frame);
    if (held?.lost)
      this.#socket.close("tryAgainLater", "fell too far behind; reconnect and resume");
    this.#hub.touch(this);
    this.release();
  }

  #hardBytes(): number {
    const { hardBytes, answerBytes } = this.#budget;
    return hardBytes + Math.max(this.#longestAnswerBytes, Math.min(this.#answerBytes, answerBytes));
  }

  #allSent(): void {
    this.#answerBytes = 0;
    this.#longestAnswerBytes = 0;
  }

  #write(): void {
    const frames = this.#frames;
    const bytes = this.#pendingBytes;
    this.#frames = [];
    this.#pendingBytes = 0;
    this.#socket.write(
      frames.length > 1 && bytes < joinBytes ? [Buffer.concat(frames, bytes)] : frames,
    );
  }
}
