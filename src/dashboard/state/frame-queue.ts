/** Collects what arrives and hands it over once per frame, in order; a hidden page gets its share by a timer. */

export interface FrameClock {
  requestFrame(run: () => void): () => void;
  /** Runs after `ms` unless it was cancelled. */
  requestTimer(run: () => void, ms: number): () => void;
}

/** Pages that are hidden have no frames. */
const hiddenDelayMs = 250;

export class FrameQueue<T> {
  readonly #clock: FrameClock;
  readonly #take: (batch: readonly T[]) => void;
  #batch: T[] = [];
  #cancel: (() => void) | undefined;

  constructor(clock: FrameClock, take: (batch: readonly T[]) => void) {
    this.#clock = clock;
    this.#take = take;
  }

  push(value: T): void {
    this.#batch.push(value);
    if (this.#cancel !== undefined) return;
    const run = (): void => this.flush();
    const cancelFrame = this.#clock.requestFrame(run);
    const cancelTimer = this.#clock.requestTimer(run, hiddenDelayMs);
    this.#cancel = () => {
      cancelFrame();
      cancelTimer();
    };
  }

  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const batch = this.#batch;
    this.#batch = [];
    if (batch.length > 0) this.#take(batch);
  }
}
