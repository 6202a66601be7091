/** Pings every connection once per interval and ends those that left two pings unanswered. One timer for all. */
export interface Beating {
  unansweredPings: number;
  slot: number;
  ping(): void;
  terminate(): void;
}

/** Connections are spread over so many moments of the interval. */
const slots = 8;
const maxUnanswered = 2;

export class Heartbeat<T extends Beating> {
  readonly #wheel = Array.from({ length: slots }, () => new Set<T>());
  readonly #onLost: () => void;
  readonly #timer: NodeJS.Timeout;
  #cursor = 0;

  constructor(intervalMs: number, onLost: () => void) {
    this.#onLost = onLost;
    this.#timer = setInterval(() => this.beat(), Math.max(1, intervalMs / slots));
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

  /** One step of the wheel. */
  beat(): void {
    for (const socket of this.#wheel[this.#cursor] ?? []) {
      if (socket.unansweredPings >= maxUnanswered) {
        this.#onLost();
        socket.terminate();
      } else {
        socket.unansweredPings += 1;
        socket.ping();
      }
    }
    this.#cursor = (this.#cursor + 1) % slots;
  }

  *all(): IterableIterator<T> {
    for (const slot of this.#wheel) yield* slot;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
