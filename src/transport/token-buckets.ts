/** A token bucket per key. Memory is bounded: full buckets are forgotten, and the oldest go when there are too many. */
interface Bucket {
  tokens: number;
  atMs: number;
}

/** An attacker with more addresses than this has reset the limit of the oldest; it bounds the map to about 2 MB. */
const maxBuckets = 10_000;

export class TokenBuckets {
  readonly #perMinute: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Takes one token. Returns 0, or the seconds (rounded up) until there is one. */
  take(key: string, nowMs: number): number {
    const bucket = this.#refilled(key, nowMs);
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 60) / this.#perMinute);
    bucket.tokens -= 1;
    return 0;
  }

  /** As `take`, but takes nothing. */
  wait(key: string, nowMs: number): number {
    if (!this.#buckets.has(key)) return 0;
    const { tokens } = this.#refilled(key, nowMs);
    return tokens < 1 ? Math.ceil(((1 - tokens) * 60) / this.#perMinute) : 0;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #refilled(key: string, nowMs: number): Bucket {
    const known = this.#buckets.get(key);
    const gained = known ? ((nowMs - known.atMs) * this.#perMinute) / 60_000 : 0;
    const bucket = {
      tokens: Math.min(this.#perMinute, (known?.tokens ?? this.#perMinute) + Math.max(gained, 0)),
      atMs: nowMs,
    };
    // Deleted first, so that the map's order is the order of last use.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#forget(nowMs);
    return bucket;
  }

  #forget(nowMs: number): void {
    for (const [key, { atMs }] of this.#buckets) {
      // After a minute without use a bucket is full again.
      if (nowMs - atMs < 60_000 && this.#buckets.size <= maxBuckets) return;
      if (this.#buckets.size > 1) this.#buckets.delete(key);
      else return;
    }
  }
}
