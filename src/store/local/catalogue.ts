/** The list of threads: the index, and the background reading that fills it. */
import { setTimeout as delay } from "node:timers/promises";
import type { IndexProgress, ThreadPage, ThreadQuery } from "../port.ts";
import type { HistoryScan } from "./history-scan.ts";
import type { IndexRepair } from "./index-repair.ts";
import type { StoreLog } from "./local-store.ts";
import type { ThreadIndex } from "./thread-index.ts";
import type { ThreadNames } from "./thread-names.ts";

/** How long it may stay unseen that another program wrote an old thread; what comes and goes is seen at once. */
const rescanAfterMs = 30_000;

/** A host opens its port before it reads an unknown history, also on a busy machine; who asks for a list does not wait for that. */
const startAfterMs = 1000;

/** How long a list waits for an unknown history: until its answer is right, but not for ever on a slow disk. */
const maxWaitMs = 8000;

export interface CatalogueParts {
  readonly index: ThreadIndex;
  readonly names: ThreadNames;
  readonly scan: HistoryScan;
  readonly repair: IndexRepair;
  readonly log: StoreLog;
  readonly nowMs: () => number;
}

const sortMembers = {
  created_at: "createdAtMs",
  updated_at: "updatedAtMs",
  recency_at: "recencyAtMs",
} as const;

export class Catalogue {
  readonly #parts: CatalogueParts;
  readonly #start: NodeJS.Timeout;
  #first: Promise<void> | undefined;
  #firstDone = false;
  #scanning: Promise<void> | undefined;
  #scannedAtMs = 0;

  constructor(parts: CatalogueParts) {
    this.#parts = parts;
    this.#start = setTimeout(() => void this.complete(), startAfterMs);
    this.#start.unref();
  }

  get progress(): IndexProgress {
    return this.#parts.scan.progress;
  }

  /** Resolves when all that lay on the disk at the start is known. */
  complete(): Promise<void> {
    clearTimeout(this.#start);
    if (this.#first === undefined) this.#parts.repair.begin();
    this.#first ??= this.#rescan().finally(() => {
      this.#firstDone = true;
    });
    return this.#first;
  }

  /** Throws `StoreError` `badCursor`. */
  async list(query: ThreadQuery): Promise<ThreadPage> {
    const { index, names, repair } = this.#parts;
    if (query.indexOnly) return index.page(query);
    const early = await this.#firstPage(query);
    const renamed = await names.refresh();
    if (early !== undefined && renamed.size === 0) return early;
    if (this.#parts.nowMs() - this.#scannedAtMs > rescanAfterMs) void this.#rescan();
    if (!this.#firstDone) return index.page(query);
    const seen = await repair.refresh();
    if (seen === undefined) await this.#rescan();
    const page = index.page(query);
    return (await repair.rewritten(page.data, seen)) ? index.page(query) : page;
  }

  /** Resolves when the index says what lies on the disk, or after a while. */
  async upToDate(): Promise<void> {
    const abandon = new AbortController();
    const late = delay(maxWaitMs, undefined, { signal: abandon.signal }).catch(() => undefined);
    await Promise.race([this.complete(), late]);
    abandon.abort();
    await this.#parts.names.refresh();
    if (this.#parts.nowMs() - this.#scannedAtMs > rescanAfterMs) void this.#rescan();
  }

  async close(): Promise<void> {
    clearTimeout(this.#start);
    this.#parts.scan.stop();
    await this.#scanning;
  }

  /** The page as soon as no thread that is still unknown can belong to it. */
  async #firstPage(query: ThreadQuery): Promise<ThreadPage | undefined> {
    if (this.#firstDone) return undefined;
    const { scan } = this.#parts;
    const complete = this.complete();
    const abandon = new AbortController();
    const late = delay(maxWaitMs, undefined, { signal: abandon.signal }).catch(() => undefined);
    const endMs = Date.now() + maxWaitMs;
    try {
      while (!this.#firstDone && Date.now() < endMs) {
        const { advanced } = scan;
        const page = this.#certainPage(query, scan.frontierMs);
        if (page !== undefined) return page;
        await Promise.race([advanced, complete, late]);
      }
      return undefined;
    } finally {
      abandon.abort();
    }
  }

  /** A full page whose last row is newer than all that is unknown. */
  #certainPage(query: ThreadQuery, frontierMs: number): ThreadPage | undefined {
    const { sortKey } = query;
    if (sortKey === "note_position") return undefined;
    if (frontierMs === Infinity || query.sortDirection === "asc") return undefined;
    const page = this.#parts.index.page(query);
    const last = page.data.at(-1);
    if (page.nextCursor === null || last === undefined) return undefined;
    return last[sortMembers[sortKey]] >= frontierMs ? page : undefined;
  }

  #rescan(): Promise<void> {
    this.#scanning ??= this.#run().finally(() => {
      this.#scanning = undefined;
    });
    return this.#scanning;
  }

  async #run(): Promise<void> {
    try {
      await this.#parts.scan.run();
    } catch (error) {
      this.#parts.log.error({ err: error }, "the history could not be read whole");
    } finally {
      this.#scannedAtMs = this.#parts.nowMs();
    }
  }
}
