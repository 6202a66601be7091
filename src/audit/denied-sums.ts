/** Whoever knocks a thousand times fills no disk: past a rate, refusals of one source are counted, not listed. */
import { networkOf } from "../util/network-of.ts";
import type { AuditEntry } from "./port.ts";
import { by, strangerAt } from "./port.ts";

/** Lines in a minute of one act and code, of one network and who it says it is. */
export const linesOfOneKind = 30;
/** Lines of all in a minute. */
export const linesOfAll = 200;
/** So long refusals are counted before the count is written. */
export const sumMs = 5000;
/** Counts that are kept apart; what is beyond them is counted for each act alone. */
export const maxSums = 50;

const windowMs = 60_000;
const manyNetworks = "many networks";

interface Sum {
  readonly entry: AuditEntry;
  readonly sinceMs: number;
  count: number;
}

export class DeniedSums {
  /** Lines of this minute, by kind; never more than `linesOfAll`. */
  readonly #written = new Map<string, number>();
  readonly #sums = new Map<string, Sum>();
  #all = 0;
  #minuteMs = 0;

  /** True: the entry gets a line of its own. False: it was counted, and `take` will give the count. */
  admits(entry: AuditEntry, nowMs: number): boolean {
    if (nowMs >= this.#minuteMs + windowMs || nowMs < this.#minuteMs) {
      this.#minuteMs = nowMs;
      this.#all = 0;
      this.#written.clear();
    }
    const { act, code, who, address } = entry;
    const network = networkOf(address);
    const kind = JSON.stringify([act, code, who.kind, who.id, network]);
    const ofKind = this.#written.get(kind) ?? 0;
    if (ofKind < linesOfOneKind && this.#all < linesOfAll) {
      this.#written.set(kind, ofKind + 1);
      this.#all += 1;
      return true;
    }
    this.#count(
      kind,
      { act, outcome: entry.outcome, ...(code && { code }), who, address: network },
      nowMs,
    );
    return false;
  }

  /** What was counted, and begins anew. */
  take(): AuditEntry[] {
    const entries = [...this.#sums.values()].map(({ entry, count, sinceMs }) => ({
      ...entry,
      about: { count, sinceMs },
    }));
    this.#sums.clear();
    return entries;
  }

  #count(kind: string, entry: AuditEntry, sinceMs: number): void {
    const known = this.#sums.get(kind);
    if (known !== undefined) known.count += 1;
    else if (this.#sums.size < maxSums) this.#sums.set(kind, { entry, sinceMs, count: 1 });
    else this.#countRest(entry, sinceMs);
  }

  #countRest({ act, outcome }: AuditEntry, sinceMs: number): void {
    const rest = this.#sums.get(act);
    if (rest !== undefined) rest.count += 1;
    else {
      const entry = { act, outcome, ...by(strangerAt(manyNetworks)) };
      this.#sums.set(act, { entry, sinceMs, count: 1 });
    }
  }
}
