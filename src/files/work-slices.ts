/** Long work in small slices, one in each turn of the event loop, so that everything else goes on between them. */

/** How long a slice takes. */
const sliceMs = 4;

export class WorkSlices {
  readonly #waiting: ((untilMs: number) => void)[] = [];
  #isScheduled = false;

  /** Resolves when it is the caller's turn, which lasts until the given time, by `performance.now()`. */
  next(): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#waiting.shift()?.(performance.now() + sliceMs);
      this.#schedule();
    });
  }
}
