/** Threads in a Postgres database, for hosts that keep no disk; several hosts may share one. */
import type { ThreadId, TurnId } from "../../protocol/ids.ts";
import type { GitInfo } from "../../protocol/thread.ts";
import { noPaths } from "../port.ts";
import type {
  ForkCut,
  History,
  IndexProgress,
  SearchPage,
  SearchQuery,
  ThreadMeta,
  ThreadPage,
  ThreadQuery,
  ThreadRecord,
  ThreadStore,
  ThreadWriter,
} from "../port.ts";
import { freshState } from "../rollout/encode.ts";
import { interruption } from "../rollout/interruption.ts";
import { searchByReading } from "../search-snippet.ts";
import { openAlready, threadNotFound } from "../thread-failures.ts";
import { forkedMeta, forkedRecord, freshRecord, unsaidHistory } from "../thread-record.ts";
import type { PostgresDatabase, PostgresLog, SqlValue } from "./database.ts";
import { readForkSource, storeFork, storeRevert } from "./fork-rows.ts";
import type { HostPresence } from "./host-presence.ts";
import { PostgresNotes } from "./postgres-notes.ts";
import { PostgresWriter } from "./postgres-writer.ts";
import { ReadHistories } from "./read-histories.ts";
import { knownBytes, pageOf } from "./thread-rows.ts";
import type { ThreadRow } from "./thread-rows.ts";
import { ThreadTable } from "./thread-table.ts";

export interface StoreParts {
  readonly database: PostgresDatabase;
  readonly presence: HostPresence;
  readonly log: PostgresLog;
  readonly nowMs: () => number;
}

export class PostgresStore implements ThreadStore {
  readonly notes: PostgresNotes;
  readonly #parts: StoreParts;
  readonly #table: ThreadTable;
  readonly #histories: ReadHistories;
  readonly #writers = new Map<ThreadId, PostgresWriter>();
  readonly #opening = new Set<ThreadId>();

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#table = new ThreadTable(parts.database, parts.presence.token);
    this.#histories = new ReadHistories(parts.database);
    this.notes = new PostgresNotes(parts.database);
  }

  /** Rejects with `StoreError`. */
  async begin(): Promise<void> {
    await this.#table.forgetUnsaid(this.#parts.nowMs());
  }

  create(meta: ThreadMeta): ThreadWriter {
    const { log } = this.#parts;
    const writer = this.#writer(freshRecord(meta), { meta, nextOrdinal: 0, lastBatch: 0 });
    const reserved = this.#table.reserve(meta).catch((error: unknown) => {
      log.warn({ err: error, threadId: meta.id }, "an unused thread will not be remembered");
    });
    writer.reserving(reserved);
    return writer;
  }

  pathOf(): null {
    return null;
  }

  async threadAt(path: string): Promise<ThreadId> {
    throw noPaths(path);
  }

  async open(id: ThreadId): Promise<ThreadWriter> {
    if (this.#writers.has(id) || this.#opening.has(id)) throw openAlready(id);
    this.#opening.add(id);
    try {
      const { record, reserved, nextOrdinal, lastBatch } = await this.#table.take(id);
      const writer = this.#writer(record, { meta: reserved, nextOrdinal, lastBatch });
      writer.wasReserved = reserved !== undefined;
      return writer;
    } finally {
      this.#opening.delete(id);
    }
  }

  async fork(source: ThreadId, meta: ThreadMeta, cut: ForkCut = {}): Promise<ThreadWriter> {
    const { database, presence } = this.#parts;
    await this.#writers.get(source)?.settled();
    const { record: of, reserved, isWritten } = await this.#known(source);
    if (reserved) throw threadNotFound(source);
    const reading = { cut, isRunning: isWritten, leastLines: 0 };
    const from = await readForkSource(database, source, reading);
    const { openTurn } = from.point;
    const own = forkedMeta(meta, of);
    const record = forkedRecord(own, from.point);
    const nowMs = this.#parts.nowMs();
    const fork = { source, meta: own, record, from, writer: presence.token, nowMs };
    const { nextOrdinal, lastBatch } = await storeFork(database, fork);
    const writer = this.#writer(record, { meta: undefined, nextOrdinal, lastBatch });
    if (openTurn !== undefined) await writer.append(interruption(openTurn, nowMs));
    return writer;
  }

  async find(id: ThreadId): Promise<ThreadRecord | undefined> {
    const row = await this.#table.find(id);
    return row?.reserved && this.#writers.has(id) ? undefined : row?.record;
  }

  async load(id: ThreadId): Promise<History> {
    await this.#writers.get(id)?.settled();
    const { record, reserved } = await this.#known(id);
    if (reserved) return unsaidHistory({ ...record, ...reserved });
    const { meta, ...history } = await this.#histories.read(id);
    const { baseInstructions = null, dynamicTools } = meta ?? {};
    return {
      ...history,
      record: { ...record, baseInstructions, ...(dynamicTools ? { dynamicTools } : {}) },
    };
  }

  list(query: ThreadQuery): Promise<ThreadPage> {
    return pageOf(this.#parts.database, query);
  }

  async search(query: SearchQuery): Promise<SearchPage> {
    return searchByReading(this, query, await this.#table.mayHold(query.term));
  }

  async rename(id: ThreadId, name: string): Promise<void> {
    await this.#changed(id, "name = $2", knownBytes(name), { name });
  }

  async setArchived(id: ThreadId, archived: boolean): Promise<ThreadRecord> {
    const { record, reserved } = await this.#known(id);
    if (reserved && archived) {
      // Nothing was said that could be kept.
      await this.delete(id);
      return { ...record, archived };
    }
    return this.#changed(id, "archived = $2", archived);
  }

  setGitInfo(id: ThreadId, gitInfo: GitInfo | null): Promise<ThreadRecord> {
    return this.#changed(id, "git = $2", gitInfo && JSON.stringify(gitInfo), { gitInfo });
  }

  async revert(id: ThreadId, beforeTurnId: TurnId): Promise<ThreadRecord> {
    const { database, presence, nowMs } = this.#parts;
    await this.#known(id);
    if (this.#writers.has(id) || this.#opening.has(id)) throw openAlready(id);
    this.#opening.add(id);
    try {
      const row = await this.#table.take(id);
      // The first line says what the thread is.
      const reading = { cut: { beforeTurnId }, isRunning: false, leastLines: 1 };
      const from = await readForkSource(database, id, reading);
      const record = {
        ...row.record,
        preview: from.point.preview || row.record.preview,
        updatedAtMs: nowMs(),
      };
      await storeRevert(database, { record, from, lastBatch: row.lastBatch });
      this.#histories.forget(id);
      return record;
    } finally {
      this.#opening.delete(id);
      await presence.giveUp(id);
    }
  }

  async delete(id: ThreadId): Promise<void> {
    await this.#known(id);
    await this.#writers.get(id)?.close();
    await this.#table.take(id);
    try {
      await this.#table.remove(id);
    } catch (error) {
      await this.#parts.presence.giveUp(id);
      throw error;
    }
    this.#histories.forget(id);
  }

  /** There is nothing to index. */
  progress(): IndexProgress {
    return { state: "done", indexed: 0, total: 0 };
  }

  async close(): Promise<void> {
    const { database, presence } = this.#parts;
    await Promise.all([...this.#writers.values()].map((writer) => writer.close()));
    await presence.close();
    await database.close();
  }

  /** The thread's row; one that was made here and in which nothing was said is none yet. */
  async #known(id: ThreadId): Promise<ThreadRow> {
    const row = await this.#table.find(id);
    const isNew = row?.reserved && this.#writers.get(id)?.wasReserved === false;
    if (row === undefined || isNew) throw threadNotFound(id);
    return row;
  }

  async #changed(
    id: ThreadId,
    change: Parameters<ThreadTable["change"]>[1],
    value: SqlValue,
    more: { readonly name?: string; readonly gitInfo?: GitInfo | null } = {},
  ): Promise<ThreadRecord> {
    const writer = this.#writers.get(id);
    await writer?.reserved();
    const row = await this.#table.change(id, change, value);
    writer?.note(more);
    const record = row?.record ?? (writer?.begun === false ? writer.record : undefined);
    if (record === undefined) throw threadNotFound(id);
    return record;
  }

  #writer(record: ThreadRecord, at: WriterStart): PostgresWriter {
    const { database, presence, nowMs } = this.#parts;
    const { id } = record;
    presence.keep(id);
    const { nextOrdinal, ...rest } = at;
    const writer = new PostgresWriter({
      ...rest,
      database,
      token: presence.token,
      record,
      state: { ...freshState(id, "paginated"), nextOrdinal },
      nowMs,
      closed: async () => {
        this.#writers.delete(id);
        await presence.giveUp(id);
      },
    });
    this.#writers.set(id, writer);
    return writer;
  }
}

interface WriterStart {
  readonly meta: ThreadMeta | undefined;
  readonly nextOrdinal: number;
  readonly lastBatch: number;
}
