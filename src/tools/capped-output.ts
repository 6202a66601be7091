/** What of a stream is passed on: its first `capBytes`. */
export class CappedOutput {
  #bytesLeft: number;
  #isReached = false;

  constructor(capBytes: number | undefined) {
    this.#bytesLeft = capBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Undefined: the cap was reached before. A piece that fills it exactly reaches it. */
  take(chunk: Buffer): { readonly bytes: Buffer; readonly capReached: boolean } | undefined {
    if (this.#isReached) return undefined;
    this.#isReached = chunk.length >= this.#bytesLeft;
    const bytes = this.#isReached ? chunk.subarray(0, this.#bytesLeft) : chunk;
    this.#bytesLeft -= bytes.length;
    return { bytes, capReached: this.#isReached };
  }
}
