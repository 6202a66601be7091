/** The threads that this program writes: at most one writer each, locked against other programs. */
import type { ThreadId } from "../../protocol/ids.ts";
import type { ThreadMeta, ThreadRecord } from "../port.ts";
import { openAlready } from "../thread-failures.ts";
import type { EncoderState } from "../rollout/encode.ts";
import { freshState } from "../rollout/encode.ts";
import type { StoreLog } from "./local-store.ts";
import { LocalWriter } from "./local-writer.ts";
import type { Reservations } from "./reservations.ts";
import { RolloutFile } from "./rollout-file.ts";
import { stateAtEnd } from "./rollout-tail.ts";
import { storeFailure } from "./store-failure.ts";
import type { IndexEntry, ThreadIndex } from "./thread-index.ts";
import type { HeldLock, ThreadLocks } from "./thread-lock.ts";
import type { ThreadNames } from "./thread-names.ts";

export interface WritersParts {
  readonly index: ThreadIndex;
  readonly names: ThreadNames;
  readonly locks: ThreadLocks;
  readonly reservations: Reservations;
  readonly log: StoreLog;
  readonly nowMs: () => number;
  /** Keeps the name of a thread that has a file. */
  readonly named: (record: IndexEntry["record"], name: string) => Promise<void>;
}

interface Begin {
  readonly record: ThreadRecord;
  readonly path: string;
  readonly state: EncoderState;
  /** Set for a thread that has no file yet. */
  readonly meta?: ThreadMeta;
  readonly lock: () => Promise<HeldLock | undefined>;
}

export class ThreadWriters {
  readonly #parts: WritersParts;
  readonly #open = new Map<string, LocalWriter>();
  readonly #opening = new Set<string>();

  constructor(parts: WritersParts) {
    this.#parts = parts;
  }

  get(id: string): LocalWriter | undefined {
    return this.#open.get(id);
  }

  has(id: string): boolean {
    return this.#open.has(id);
  }

  /** For a thread that has no file yet. */
  fresh(record: ThreadRecord, meta: ThreadMeta, path: string): LocalWriter {
    const state = freshState(meta.id, meta.historyMode);
    return this.#begin({ record, path, state, meta, lock: () => this.#newLock(meta.id) });
  }

  /** For a thread whose file was just made. */
  made(record: ThreadRecord, path: string, state: EncoderState): LocalWriter {
    return this.#begin({ record, path, state, lock: () => this.#newLock(record.id) });
  }

  /** For a thread that was there. Rejects with `StoreError`: `busy`, or what `entryOf` rejects with. */
  async known(id: ThreadId, entryOf: () => Promise<IndexEntry>): Promise<LocalWriter> {
    this.refuseTaken(id);
    this.#opening.add(id);
    try {
      const { record } = await entryOf();
      const lock = await this.take(id);
      try {
        const { path } = record;
        const state = await stateAtEnd(path, id, record.historyMode);
        return this.#begin({ record, path, state, lock: () => Promise.resolve(lock) });
      } catch (error) {
        await lock.release();
        throw error;
      }
    } finally {
      this.#opening.delete(id);
    }
  }

  refuseTaken(id: string): void {
    if (!this.#open.has(id) && !this.#opening.has(id)) return;
    throw openAlready(id);
  }

  /** The right to write a thread, which other programs respect. Rejects with `StoreError` `busy`. */
  async take(id: string): Promise<HeldLock> {
    return this.#parts.locks.take(id).catch((error: unknown) => {
      throw storeFailure(error, "lock the thread");
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((writer) => writer.close()));
  }

  #begin({ record, path, state, meta, lock }: Begin): LocalWriter {
    const { id } = record;
    const { index, names, reservations, nowMs } = this.#parts;
    let before: ThreadRecord | undefined;
    const writer = new LocalWriter({
      file: new RolloutFile(path),
      state,
      record,
      meta,
      lock,
      nowMs,
      index: (entry) => {
        // Another program may have named the thread meanwhile.
        const name = names.nameOf(id) ?? entry.record.name;
        const now = { ...entry, record: { ...entry.record, name } };
        if (before && differInTimeAlone(before, now.record)) index.touch(now);
        else index.put([now]);
        before = now.record;
      },
      named: (name) => this.#parts.named(writer.record, name),
      nameAhead: (name) => names.append(id, name, nowMs()),
      renamedEarly: (name) => reservations.rename(id, name),
      begun: () => reservations.end(id),
      closed: () => this.#open.delete(id),
    });
    this.#open.set(id, writer);
    return writer;
  }

  /** A new thread's id is known to nobody else: it is written even where it cannot be locked. */
  #newLock(id: string): Promise<HeldLock | undefined> {
    const { locks, log } = this.#parts;
    return locks.take(id).catch((error: unknown) => {
      log.warn({ err: error, threadId: id }, "a new thread is not locked");
      return undefined;
    });
  }
}

/** Of two records of one thread: whether the later one differs in when it was written, and in nothing else. */
function differInTimeAlone(before: ThreadRecord, after: ThreadRecord): boolean {
  const known = new Map<string, unknown>(Object.entries(before));
  return Object.entries(after).every(
    ([member, value]) => member === "updatedAtMs" || known.get(member) === value,
  );
}
