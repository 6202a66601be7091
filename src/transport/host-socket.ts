/**
 * One WebSocket of this host: ws's class with the few fields that a connection needs. Its listeners are functions
 * shared by all connections, and it has no timer of its own: thousands of idle ones must stay cheap.
 */
import type { Socket } from "node:net";
import type { RawData } from "ws";
import { WebSocket } from "ws";
import type { SessionEnd } from "../session/port.ts";
import type { Counters } from "./counters.ts";

/** The limit of one message: before `initialize` was asked for, and after. */
export const maxFirstMessageBytes = 64 * 1024;
export const maxMessageBytes = 16 * 1024 * 1024;

/** What all connections share. */
export interface SocketOwner {
  readonly counters: Counters;
  closed(socket: HostSocket): void;
  /** The session threw: its state cannot be relied on any more. */
  failed(socket: HostSocket, error: unknown): void;
}

export class HostSocket extends WebSocket {
  owner: SocketOwner | undefined;
  session: SessionEnd | undefined;
  /** Whose limit this connection counts against; undefined for exempt peers. */
  limitKey: string | undefined;
  /** True from a ping to its pong. */
  awaited = false;
  /** Its place on the heartbeat's wheel. */
  slot = 0;
  initializing = false;
  #raw: Socket | undefined;
  /** What had come in when the last ping went out. */
  #readAtPing = 0;
  /** What the kernel had taken then; undefined when nothing waited. */
  #takenAtPing: number | undefined;

  /** From now on frames are delivered. */
  attach(owner: SocketOwner, session: SessionEnd, raw: Socket): void {
    this.#raw = raw;
    this.owner = owner;
    this.session = session;
    this.on("message", onMessage);
    this.on("pong", onPong);
    this.on("error", onError);
    this.on("close", onClose);
  }

  override ping(): void {
    super.ping();
    this.#readAtPing = this.#raw?.bytesRead ?? 0;
    this.#takenAtPing = this.#raw?.writableLength ? taken(this.#raw) : undefined;
  }

  /**
   * A pong waits behind a large message of the peer's, and a ping behind what it has not read yet: then bytes that
   * come in, or that the kernel takes after it was full, say that the peer is there.
   */
  heard(): boolean {
    const raw = this.#raw;
    if (raw === undefined) return false;
    const wasFull = this.#takenAtPing !== undefined;
    return raw.bytesRead > this.#readAtPing || (wasFull && taken(raw) > (this.#takenAtPing ?? 0));
  }

  deliver(text: string): void {
    if (!this.initializing && text.includes('"initialize"')) this.#liftLimit();
    if (this.owner) this.owner.counters.messagesIn += 1;
    this.session?.received(text);
  }

  /** Done by the first message that names `initialize`: a message over the first limit is never buffered before it. */
  #liftLimit(): void {
    this.initializing = true;
    const receiver: unknown = Reflect.get(this, "_receiver");
    if (typeof receiver === "object" && receiver !== null) {
      Reflect.set(receiver, "_maxPayload", maxMessageBytes);
    }
  }
}

const taken = (raw: Socket): number => raw.bytesWritten - raw.writableLength;

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  // While a close handshake runs, what still comes in must have no effect: the sender may just have been revoked.
  if (!(this instanceof HostSocket) || this.readyState !== this.OPEN) return;
  try {
    if (isBinary || !Buffer.isBuffer(data)) this.session?.receivedGarbage();
    else this.deliver(data.toString());
  } catch (error) {
    this.owner?.failed(this, error);
  }
}

function onPong(this: WebSocket): void {
  if (this instanceof HostSocket) this.awaited = false;
}

/** ws has closed the socket with the right code already; `close` follows. */
function onError(this: WebSocket): void {}

function onClose(this: WebSocket, code: number): void {
  if (!(this instanceof HostSocket)) return;
  this.owner?.closed(this);
  this.session?.closed(code);
  this.session = undefined;
}
