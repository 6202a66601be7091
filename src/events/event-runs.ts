import type { Entry } from "./entry.ts";
import { deliverEntry } from "./entry.ts";
import type { Outlet } from "./port.ts";

interface Run {
  readonly audience: ReadonlySet<Outlet>;
  /** Those of the audience who are told in other words. */
  readonly except: ReadonlySet<Outlet> | undefined;
  readonly entries: Entry[];
  bytes: number;
  /** True when an entry is not for everybody in the audience, or must be noted by each. */
  picky: boolean;
}

/** What waits for the end of the tick, in the order in which it was published: neighbours for the same ones in one run. */
export class EventRuns {
  readonly #touched: Set<Outlet>;
  #runs: Run[] = [];

  /** `touched` is told who was given something. */
  constructor(touched: Set<Outlet>) {
    this.#touched = touched;
  }

  add(audience: ReadonlySet<Outlet>, entry: Entry, except?: ReadonlySet<Outlet>): void {
    const last = this.#runs.at(-1);
    const picky = entry.mark !== undefined;
    if (last?.audience === audience && last.except === except) {
      last.entries.push(entry);
      last.bytes += entry.frame.length;
      last.picky ||= picky;
    } else {
      this.#runs.push({ audience, except, entries: [entry], bytes: entry.frame.length, picky });
    }
  }

  deliver(): void {
    if (this.#runs.length === 0) return;
    const runs = this.#runs;
    this.#runs = [];
    for (const run of runs) this.#deliverRun(run);
  }

  #deliverRun({ audience, except, entries, bytes, picky }: Run): void {
    let whole: Buffer | undefined;
    for (const outlet of audience) {
      if (except?.has(outlet)) continue;
      this.#touched.add(outlet);
      if (!picky && outlet.takesAll && !outlet.lagging) {
        whole ??= joined(entries, bytes);
        outlet.push(whole);
      } else {
        for (const entry of entries) deliverEntry(outlet, entry);
      }
    }
  }
}

/** One buffer of all frames: those of one thread mostly lie one behind the other in its log's memory. */
function joined(entries: readonly Entry[], bytes: number): Buffer {
  const first = entries[0]?.frame ?? Buffer.alloc(0);
  let end = first.byteOffset;
  for (const { frame } of entries) {
    if (frame.byteOffset !== end || frame.buffer !== first.buffer) {
      return Buffer.concat(
        entries.map((entry) => entry.frame),
        bytes,
      );
    }
    end += frame.length;
  }
  return Buffer.from(first.buffer, first.byteOffset, bytes);
}
