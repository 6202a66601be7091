/** Things that are handed out under an unguessable key, live for a while and can be taken once. */
export class OneUseBook<T> {
  readonly #entries = new Map<string, { value: T; expiresAtMs: number }>();
  readonly #lifeMs: number;
  readonly #maxEntries: number;
  readonly #nowMs: () => number;

  constructor(options: { lifeMs: number; maxEntries: number; nowMs: () => number }) {
    this.#lifeMs = options.lifeMs;
    this.#maxEntries = options.maxEntries;
    this.#nowMs = options.nowMs;
  }

  /** False when the book is full of entries that are still alive. */
  put(key: string, value: T): boolean {
    const nowMs = this.#nowMs();
    this.#dropExpired(nowMs);
    if (this.#entries.size >= this.#maxEntries) return false;
    this.#entries.set(key, { value, expiresAtMs: nowMs + this.#lifeMs });
    return true;
  }

  /** Removes the entry; of callers with the same key exactly one gets it. */
  take(key: string): T | undefined {
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    return entry !== undefined && entry.expiresAtMs > this.#nowMs() ? entry.value : undefined;
  }

  dropWhere(matches: (value: T) => boolean): void {
    for (const [key, { value }] of this.#entries) {
      if (matches(value)) this.#entries.delete(key);
    }
  }

  /** All lives are equally long, so the map is in the order of expiry. */
  #dropExpired(nowMs: number): void {
    for (const [key, { expiresAtMs }] of this.#entries) {
      if (expiresAtMs > nowMs) return;
      this.#entries.delete(key);
    }
  }
}
