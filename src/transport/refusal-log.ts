/** One line per refusal, as long as they are few: whoever knocks a thousand times must not fill the disk. */
import type { Counters } from "./counters.ts";
import type { Log } from "./log.ts";
import type { Refusal } from "./refusal.ts";
import { TokenBuckets } from "./token-buckets.ts";

const linesPerMinute = 120;

export class RefusalLog {
  readonly #log: Log;
  readonly #counters: Counters;
  readonly #lines = new TokenBuckets(linesPerMinute);
  #suppressed = 0;

  constructor(log: Log, counters: Counters) {
    this.#log = log;
    this.#counters = counters;
  }

  /** `address`: from the socket or a trusted proxy, so an IP address. Nothing else of the request is written. */
  add(way: "request" | "upgrade", refusal: Refusal, address: string): void {
    this.#counters.refused += 1;
    if (this.#lines.take("", Date.now()) > 0) {
      this.#suppressed += 1;
      return;
    }
    const { code, status } = refusal;
    const suppressed = this.#suppressed > 0 ? { suppressed: this.#suppressed } : {};
    this.#suppressed = 0;
    this.#log.warn("refused", { way, code, status, address, ...suppressed });
  }
}
