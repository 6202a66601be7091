/** One connection through a fault proxy: two ways, each of which can be cut at a byte, slowed down or silenced. */
import type { Socket } from "node:net";
import { setImmediate as nextTick, setTimeout as delay } from "node:timers/promises";
import { FrameScan } from "./frame-scan.ts";
import type { FrameCut } from "./frame-scan.ts";

export type Direction = "toHost" | "toClient";

/** Counted from now on in one direction of each connection; the first that comes so far breaks, and no other. */
export type CutPoint = { readonly direction: Direction } & (
  | { readonly afterBytes: number }
  | FrameCut
);

export interface Pace {
  /** Each piece that comes is so late. */
  readonly delayMs?: number;
  readonly bytesPerSecond?: number;
  /** Passed on in pieces of at most so many bytes, each a write of its own. */
  readonly pieceBytes?: number;
}

/** Everything that an armed cut needs to know of one direction. */
export interface Armed {
  readonly point: CutPoint;
  readonly done: () => void;
}

class OneWay {
  /** What is under way slowly; nothing more is read before it is there. */
  carrying: Promise<void> = Promise.resolve();
  readonly #line: Line;
  readonly #direction: Direction;
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #scan = new FrameScan();
  #bytes = 0;
  /** What had gone by when the cut was armed. */
  #since: { readonly armed: Armed | undefined; readonly bytes: number; readonly frames: number } = {
    armed: undefined,
    bytes: 0,
    frames: 0,
  };

  private constructor(line: Line, direction: Direction, source: Socket, sink: Socket) {
    this.#line = line;
    this.#direction = direction;
    this.#source = source;
    this.#sink = sink;
  }

  static begin(line: Line, direction: Direction, source: Socket, sink: Socket): OneWay {
    const way = new OneWay(line, direction, source, sink);
    source.on("data", (chunk: Buffer) => way.#take(chunk));
    source.on("end", () => {
      // Who gave up a silent line is gone; the other end hears nothing of it.
      if (line.silent) source.destroy();
      else void way.carrying.then(() => sink.end());
    });
    return way;
  }

  #take(chunk: Buffer): void {
    if (this.#line.silent) return;
    const armed = this.#line.armed(this.#direction);
    const at = this.#cutIn(chunk, armed);
    this.#bytes += chunk.length;
    if (at !== undefined) {
      this.#line.break(this.#sink, chunk.subarray(0, at));
      armed?.done();
      return;
    }
    const { pace } = this.#line;
    if (pace !== undefined) this.carrying = this.#carrySlowly(chunk, pace);
    else if (!this.#sink.write(chunk)) this.#waitForRoom();
  }

  #cutIn(chunk: Buffer, armed: Armed | undefined): number | undefined {
    if (armed !== this.#since.armed) {
      this.#since = { armed, bytes: this.#bytes, frames: this.#scan.frames };
    }
    const { bytes, frames } = this.#since;
    if (armed === undefined || "afterBytes" in armed.point) {
      this.#scan.take(chunk);
      const left =
        armed && "afterBytes" in armed.point
          ? armed.point.afterBytes + bytes - this.#bytes
          : undefined;
      return left !== undefined && left <= chunk.length ? left : undefined;
    }
    const { afterFrames, at } = armed.point;
    return this.#scan.take(chunk, { afterFrames: afterFrames + frames, at });
  }

  #waitForRoom(): void {
    this.#source.pause();
    this.#sink.once("drain", () => this.#source.resume());
  }

  async #carrySlowly(chunk: Buffer, { delayMs = 0 }: Pace): Promise<void> {
    this.#source.pause();
    if (delayMs > 0) await delay(delayMs);
    for (let at = 0; at < chunk.length && !this.#sink.destroyed;) {
      // Where the line was healed meanwhile, the rest goes at once.
      const { bytesPerSecond, pieceBytes = chunk.length } = this.#line.pace ?? {};
      const piece = chunk.subarray(at, at + pieceBytes);
      at += piece.length;
      if (!this.#line.silent) this.#sink.write(piece);
      if (bytesPerSecond === undefined) await nextTick();
      else await delay((piece.length / bytesPerSecond) * 1000);
    }
    this.#source.resume();
  }
}

/** One connection: the client's end and the host's. */
export class Line {
  /** Nothing passes any more, and neither end is told. */
  silent = false;
  readonly armed: (direction: Direction) => Armed | undefined;
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #paceOf: () => Pace | undefined;
  readonly #ways: readonly OneWay[];

  constructor(
    near: Socket,
    far: Socket,
    armed: (direction: Direction) => Armed | undefined,
    paceOf: () => Pace | undefined,
    closed: () => void,
  ) {
    this.#near = near;
    this.#far = far;
    this.armed = armed;
    this.#paceOf = paceOf;
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      // What went wrong is told by the close that follows.
      socket.on("error", () => undefined);
      socket.once("close", () => void this.#closed(closed));
    }
    this.#ways = [
      OneWay.begin(this, "toHost", near, far),
      OneWay.begin(this, "toClient", far, near),
    ];
  }

  get pace(): Pace | undefined {
    return this.#paceOf();
  }

  /** Both ends are gone after `sink` got these last bytes. */
  break(sink: Socket, last: Buffer): void {
    this.silent = true;
    const other = sink === this.#near ? this.#far : this.#near;
    other.destroy();
    sink.end(last, () => sink.destroy());
  }

  destroy(): void {
    this.silent = false;
    this.#near.destroy();
    this.#far.destroy();
  }

  /** A silent line keeps the end that is left. */
  async #closed(tell: () => void): Promise<void> {
    if (this.silent && !(this.#near.destroyed && this.#far.destroyed)) return;
    await Promise.all(this.#ways.map(({ carrying }) => carrying));
    this.#near.destroy();
    this.#far.destroy();
    tell();
  }
}
