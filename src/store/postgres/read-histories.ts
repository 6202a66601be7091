/** The histories that were read last: of a thread that grew, only what is new is read. */
import type { ThreadId } from "../../protocol/ids.ts";
import type { DecodedHistory } from "../rollout/decode.ts";
import { RolloutDecoder } from "../rollout/decode.ts";
import type { PostgresDatabase } from "./database.ts";
import { batchesAfter } from "./history-batches.ts";

/** What people have open at a time. */
const maxHistories = 8;
/** A decoded history takes about as much memory as its lines. */
const maxBytes = 64 * 1024 * 1024;

interface Growing {
  readonly decoder: RolloutDecoder;
  lastBatch: number;
  bytes: number;
  history: DecodedHistory | undefined;
}

const nothing = (): Growing => ({
  decoder: new RolloutDecoder(),
  lastBatch: 0,
  bytes: 0,
  history: undefined,
});

export class ReadHistories {
  readonly #database: PostgresDatabase;
  /** The one that was asked for last at the end. */
  readonly #kept = new Map<ThreadId, Growing>();

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  /** Rejects with `StoreError`. */
  async read(id: ThreadId): Promise<DecodedHistory> {
    const known = this.#kept.get(id);
    // Nobody else goes on with it while this one reads.
    this.#kept.delete(id);
    const grown = (known && (await this.#grow(id, known))) ?? (await this.#grow(id, nothing()));
    if (grown === undefined) return new RolloutDecoder().finish();
    grown.history ??= grown.decoder.finish();
    this.#keep(id, grown);
    return grown.history;
  }

  forget(id: ThreadId): void {
    this.#kept.delete(id);
  }

  /** Undefined where what was read before is not how the thread begins now. */
  async #grow(id: ThreadId, growing: Growing): Promise<Growing | undefined> {
    // Its last batch may have been taken back: it had been written without its writer knowing.
    const batches = await batchesAfter(this.#database, id, growing.lastBatch);
    if (batches === undefined) return undefined;
    for await (const { batch, lines, bytes } of batches) {
      for (const line of lines) growing.decoder.add(line);
      growing.lastBatch = batch;
      growing.bytes += bytes;
      growing.history = undefined;
    }
    return growing;
  }

  #keep(id: ThreadId, grown: Growing): void {
    if (grown.bytes > maxBytes) return;
    this.#kept.set(id, grown);
    let bytes = [...this.#kept.values()].reduce((sum, kept) => sum + kept.bytes, 0);
    for (const [oldest, kept] of this.#kept) {
      if (this.#kept.size <= maxHistories && bytes <= maxBytes) return;
      this.#kept.delete(oldest);
      bytes -= kept.bytes;
    }
  }
}
