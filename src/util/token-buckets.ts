/** A token bucket per key. Memory is bounded: full buckets are forgotten, and the oldest go when there are too many. */
interface Bucket {
  tokens: number;
  atMs: number;
}

export interface BucketLimits {
  /** How many tokens a full bucket holds. */
  readonly burst: number;
  readonly perSecond: number;
}

/** An attacker with more keys than this has reset the limit of the oldest; it bounds the map to about 2 MB. */
const maxBuckets = 10_000;

export const perMinute = (count: number): BucketLimits => ({
  burst: count,
  perSecond: count / 60,
});

export class TokenBuckets {
  readonly #limits: BucketLimits;
  readonly #nowMs: () => number;
  /** In the order of last use. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: BucketLimits, nowMs: () => number = Date.now) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** Takes one token. Returns 0, or the milliseconds (rounded up) until there is one. */
  take(key: string): number {
    const bucket = this.#refilled(key);
    if (bucket.tokens < 1) return this.#waitMs(bucket);
    bucket.tokens -= 1;
    return 0;
  }

  /** As `take`, but takes nothing. */
  wait(key: string): number {
    if (!this.#buckets.has(key)) return 0;
    const bucket = this.#refilled(key);
    return bucket.tokens < 1 ? this.#waitMs(bucket) : 0;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #waitMs({ tokens }: Bucket): number {
    return Math.ceil(((1 - tokens) * 1000) / this.#limits.perSecond);
  }

  #refilled(key: string): Bucket {
    const { burst, perSecond } = this.#limits;
    const nowMs = this.#nowMs();
    const known = this.#buckets.get(key);
    const gained = known ? ((nowMs - known.atMs) * perSecond) / 1000 : 0;
    const held = (known?.tokens ?? burst) + Math.max(gained, 0);
    const bucket = { tokens: Math.min(burst, held), atMs: nowMs };
    // Deleted first, so that the map's order is the order of last use.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#forget(nowMs);
    return bucket;
  }

  #forget(nowMs: number): void {
    const fullAfterMs = (this.#limits.burst / this.#limits.perSecond) * 1000;
    for (const [key, { atMs }] of this.#buckets) {
      if (nowMs - atMs < fullAfterMs && this.#buckets.size <= maxBuckets) return;
      if (this.#buckets.size > 1) this.#buckets.delete(key);
      else return;
    }
  }
}
