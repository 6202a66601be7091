/** One line per refusal, as long as they are few: whoever knocks a thousand times must not fill the disk. */
import type { Audit, AuditWho } from "../audit/port.ts";
import { by, strangerAt } from "../audit/port.ts";
import { perMinute, TokenBuckets } from "../util/token-buckets.ts";
import type { Counters } from "./counters.ts";
import type { Log } from "./log.ts";
import type { Refusal } from "./refusal.ts";

const linesPerMinute = 120;

export class RefusalLog {
  readonly #log: Log;
  readonly #counters: Counters;
  readonly #audit: Audit;
  readonly #lines = new TokenBuckets(perMinute(linesPerMinute));
  #suppressed = 0;

  constructor(log: Log, counters: Counters, audit: Audit) {
    this.#log = log;
    this.#counters = counters;
    this.#audit = audit;
  }

  /**
   * `address`: from the socket or a trusted proxy, so an IP address. `who`: if a credential said so.
   * Nothing else of the request is written.
   */
  add(way: "request" | "upgrade", refusal: Refusal, address: string, who?: AuditWho): void {
    this.#audit.add({
      act: `${way}.refused`,
      outcome: "denied",
      code: refusal.auditCode ?? refusal.code,
      ...by({ ...strangerAt(address), ...who }),
      about: { status: refusal.status },
    });
    this.count(way, refusal, address);
  }

  /** For a refusal that auth has put into the audit log itself. */
  count(way: "request" | "upgrade", refusal: Refusal, address: string): void {
    this.#counters.refused += 1;
    if (this.#lines.take("") > 0) {
      this.#suppressed += 1;
      return;
    }
    const { code, status } = refusal;
    const suppressed = this.#suppressed > 0 ? { suppressed: this.#suppressed } : {};
    this.#suppressed = 0;
    this.#log.warn("refused", { way, code, status, address, ...suppressed });
  }
}
