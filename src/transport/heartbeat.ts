/**
 * Pings every connection once per interval and ends those of which nothing was heard until the next ping was due: so
 * one that is half open is found within two intervals. One timer for all.
 */
export interface Beating {
  slot: number;
  /** True from a ping to its pong. */
  awaited: boolean;
  ping(): void;
  /** Whether there was a sign of life since the last ping, other than its pong. */
  heard(): boolean;
  terminate(): void;
}

/** Connections are spread over so many moments of the interval. */
const slots = 8;

export class Heartbeat<T extends Beating> {
  readonly #wheel = Array.from({ length: slots }, () => new Set<T>());
  readonly #intervalMs: number;
  readonly #onLost: () => void;
  readonly #timer: NodeJS.Timeout;
  #lastMs = Date.now();
  #cursor = 0;

  constructor(intervalMs: number, onLost: () => void) {
    this.#intervalMs = intervalMs;
    this.#onLost = onLost;
    this.#timer = setInterval(() => this.#step(), Math.max(1, intervalMs / slots));
    this.#timer.unref();
  }

  /** Its first ping comes one interval later. */
  add(socket: T): void {
    socket.slot = (this.#cursor + slots - 1) % slots;
    this.#wheel[socket.slot]?.add(socket);
  }

  remove(socket: T): void {
    this.#wheel[socket.slot]?.delete(socket);
  }

  *all(): IterableIterator<T> {
    for (const slot of this.#wheel) yield* slot;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #step(): void {
    const nowMs = Date.now();
    // The machine slept, or this process stood still: what was not heard meanwhile proves nothing.
    if (nowMs - this.#lastMs > this.#intervalMs / 2) {
      for (const socket of this.all()) socket.awaited = false;
    }
    this.#lastMs = nowMs;
    const due = this.#wheel[this.#cursor] ?? [];
    this.#cursor = (this.#cursor + 1) % slots;
    // A pong that is here already, and was not read yet, is read before this runs.
    setImmediate(() => this.#judge(due));
  }

  #judge(due: Iterable<T>): void {
    for (const socket of due) {
      if (socket.awaited && !socket.heard()) {
        this.#onLost();
        socket.terminate();
      } else {
        socket.awaited = true;
        socket.ping();
      }
    }
  }
}
