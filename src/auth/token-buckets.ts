/** A token bucket for each address. */

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

export class TokenBuckets {
  readonly #limits: { burst: number; perSecond: number; maxBuckets: number };
  readonly #nowMs: () => number;
  /** In the order of last use. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(
    limits: { burst: number; perSecond: number; maxBuckets: number },
    nowMs: () => number,
  ) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** Takes one token. Returns 0, or the time in milliseconds after which there will be one. */
  take(address: string): number {
    const { burst, perSecond } = this.#limits;
    const key = networkOf(address);
    const nowMs = this.#nowMs();
    const { tokens, filledAtMs } = this.#buckets.get(key) ?? { tokens: burst, filledAtMs: nowMs };
    const gained = (Math.max(0, nowMs - filledAtMs) / 1000) * perSecond;
    const held = Math.min(burst, tokens + gained);
    const waitMs = held >= 1 ? 0 : Math.ceil(((1 - held) / perSecond) * 1000);
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: waitMs === 0 ? held - 1 : held, filledAtMs: nowMs });
    this.#forgetOldest();
    return waitMs;
  }

  #forgetOldest(): void {
    if (this.#buckets.size <= this.#limits.maxBuckets) return;
    for (const [key] of this.#buckets) {
      this.#buckets.delete(key);
      return;
    }
  }
}

/** One IPv6 subscriber has a /64: its addresses share a bucket. IPv4, mapped or not, counts by address. */
function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":");
  if (tail === undefined) return groups.slice(0, 4).join(":");
  const missing = 8 - groups.length - tail.split(":").length;
  const filled = [...groups, ...Array<string>(Math.max(0, missing)).fill("0"), ...tail.split(":")];
  return filled.slice(0, 4).join(":");
}
