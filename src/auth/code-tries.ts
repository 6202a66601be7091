/** How often codes may be tried: 40 bits are few, so the tries are fewer. */
import { networkOf } from "../util/network-of.ts";
import { TokenBuckets } from "../util/token-buckets.ts";
import { slowDown } from "./refusals.ts";

/** Of one network: a person who mistypes fits. */
const perNetwork = { burst: 6, perSecond: 1 / 10 };
/** Of all together: many networks are no way around it. */
const overall = { burst: 30, perSecond: 1 / 2 };

export class CodeTries {
  readonly #networks: TokenBuckets;
  readonly #all: TokenBuckets;

  constructor(nowMs: () => number) {
    this.#networks = new TokenBuckets(perNetwork, nowMs);
    this.#all = new TokenBuckets(overall, nowMs);
  }

  /** Throws `AuthError` with the time to wait. */
  take(address: string): void {
    const waitMs = this.#networks.take(networkOf(address)) || this.#all.take("");
    if (waitMs > 0) throw slowDown(waitMs);
  }
}
