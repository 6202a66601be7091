const windowMs = 60_000;

/** Counts what a connection does wrong; so many in a minute are too many. */
export class Misdeeds {
  readonly #max: number;
  #count = 0;
  #sinceMs = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Notes one more; true when it is one too many. */
  note(nowMs: number): boolean {
    if (nowMs - this.#sinceMs > windowMs) {
      this.#sinceMs = nowMs;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count >= this.#max;
  }
}
