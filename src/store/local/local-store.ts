/** Threads as rollout files in CODEX_HOME, where the stock client finds them, with an index in SQLite. */
import { unlink } from "node:fs/promises";
import type { Database } from "../../db/database.ts";
import type { ThreadId, TurnId } from "../../protocol/ids.ts";
import type { GitInfo } from "../../protocol/thread.ts";
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
import { turnNotFound } from "../thread-failures.ts";
import { forkedMeta, forkedRecord, freshRecord, unsaidHistory } from "../thread-record.ts";
import type { DecodedHistory } from "../rollout/decode.ts";
import { interruption } from "../rollout/interruption.ts";
import { Catalogue } from "./catalogue.ts";
import { EntryLookup } from "./entry-lookup.ts";
import { readForkPoint, refuseWhileRead, writeForkFile } from "./fork-file.ts";
import { GrowingHistory } from "./growing-history.ts";
import { HistoryCache } from "./history-cache.ts";
import { HistoryScan } from "./history-scan.ts";
import { IndexRepair } from "./index-repair.ts";
import type { LocalWriter } from "./local-writer.ts";
import { LocalNotes } from "./local-notes.ts";
import { earlierFiles, exists } from "./rollout-entry.ts";
import { MessageSearch } from "./message-search.ts";
import { Reservations } from "./reservations.ts";
import { rolloutAt } from "./rollout-at.ts";
import { moveFile } from "./rollout-file.ts";
import { archivedPath, fileOf, foldersIn, newRolloutPath, unarchivedPath } from "./rollout-path.ts";
import type { RolloutFolders } from "./rollout-path.ts";
import { readHistory } from "./rollout-reader.ts";
import { StockState } from "./stock-state.ts";
import { storeFailure } from "./store-failure.ts";
import { ThreadIndex } from "./thread-index.ts";
import type { IndexEntry } from "./thread-index.ts";
import { threadLocksIn } from "./thread-lock.ts";
import { ThreadNames } from "./thread-names.ts";
import { revertThread } from "./thread-revert.ts";
import { ThreadWriters } from "./thread-writers.ts";

export interface StoreLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface LocalStoreOptions {
  readonly codexHome: string;
  readonly database: Database;
  readonly log: StoreLog;
  readonly nowMs?: () => number;
  /** The provider of threads whose file names none; the stock program's own where this is absent. */
  readonly standardProvider?: () => string;
}

/** Returns at once; an unknown history is indexed in the background. */
export const createLocalStore = (options: LocalStoreOptions): ThreadStore =>
  new LocalStore(options);

class LocalStore implements ThreadStore {
  readonly #codexHome: string;
  readonly #folders: RolloutFolders;
  readonly #index: ThreadIndex;
  readonly notes: LocalNotes;
  readonly #lookup: EntryLookup;
  readonly #reservations: Reservations;
  readonly #names: ThreadNames;
  readonly #log: StoreLog;
  readonly #nowMs: () => number;
  readonly #writers: ThreadWriters;
  readonly #catalogue: Catalogue;
  readonly #messages: MessageSearch;
  readonly #histories = new HistoryCache();
  readonly #stock: StockState;

  constructor({
    codexHome,
    database,
    log,
    nowMs = Date.now,
    standardProvider = () => "openai",
  }: LocalStoreOptions) {
    this.#codexHome = codexHome;
    this.#folders = foldersIn(codexHome);
    this.#index = new ThreadIndex(database);
    this.notes = new LocalNotes(database, (id) => this.#lookup.entry(id));
    this.#reservations = new Reservations(database, nowMs());
    this.#names = new ThreadNames(codexHome, (names) => this.#index.setNames(names));
    this.#log = log;
    this.#nowMs = nowMs;
    this.#stock = new StockState(codexHome, log);
    this.#writers = new ThreadWriters({
      index: this.#index,
      names: this.#names,
      locks: threadLocksIn(codexHome, (message) => log.warn({}, message)),
      reservations: this.#reservations,
      log,
      nowMs,
      named: (record, name) => this.#named(record, name),
    });
    this.#lookup = new EntryLookup({
      standardProvider,
      folders: this.#folders,
      index: this.#index,
      names: this.#names,
      writers: this.#writers,
    });
    const scan = new HistoryScan({
      standardProvider,
      folders: this.#folders,
      index: this.#index,
      names: this.#names,
      isOpen: (id) => this.#writers.has(id),
    });
    const repair = new IndexRepair({
      folders: this.#folders,
      index: this.#index,
      lookup: this.#lookup,
      isOpen: (id) => this.#writers.has(id),
    });
    const parts = { index: this.#index, names: this.#names, scan, repair, log, nowMs };
    this.#catalogue = new Catalogue(parts);
    this.#messages = new MessageSearch(database, {
      index: this.#index,
      pathOf: (segment) => this.#lookup.pathOf(segment),
      log,
    });
  }

  create(meta: ThreadMeta): ThreadWriter {
    try {
      this.#reservations.keep(meta);
    } catch (error) {
      this.#log.warn({ err: error, threadId: meta.id }, "an unused thread will not be remembered");
    }
    return this.#writers.fresh(freshRecord(meta), meta, this.pathOf(meta));
  }

  /** A thread that was started before a restart and not written to yet. */
  async #reserved(
    id: string,
  ): Promise<{ meta: ThreadMeta; record: ThreadRecord & { path: string } } | undefined> {
    const found = this.#writers.has(id) ? undefined : this.#reservations.find(id);
    if (found === undefined) return undefined;
    const { meta, name } = found;
    const path = this.pathOf(meta);
    // Killed between its first lines and the end of its reservation; a first line that is torn is none.
    if ((await exists(path)) && (await this.#lookup.find(id)) !== undefined) {
      this.#reservations.end(id);
      return undefined;
    }
    return { meta, record: { ...freshRecord(meta), name, path } };
  }

  pathOf(meta: ThreadMeta): string {
    return newRolloutPath(this.#folders, meta.id, meta.createdAtMs);
  }

  threadAt(path: string): Promise<ThreadId> {
    return rolloutAt(
      { codexHome: this.#codexHome, folders: this.#folders, lookup: this.#lookup },
      path,
    );
  }

  open(id: ThreadId): Promise<ThreadWriter> {
    return this.#open(id);
  }

  async #open(id: ThreadId): Promise<LocalWriter> {
    const reserved = await this.#reserved(id);
    if (reserved === undefined) return this.#writers.known(id, () => this.#lookup.latest(id));
    this.#writers.refuseTaken(id);
    const { record, meta } = reserved;
    const writer = this.#writers.fresh(record, meta, this.pathOf(meta));
    writer.wasReserved = true;
    return writer;
  }

  async fork(source: ThreadId, meta: ThreadMeta, cut: ForkCut = {}): Promise<ThreadWriter> {
    const running = this.#writers.get(source);
    await running?.settled();
    const { record: from } = await this.#lookup.entry(source);
    const file = fileOf(from);
    const pathOf = (segment: string): Promise<string | undefined> => this.#lookup.pathOf(segment);
    const point = await readForkPoint(file, pathOf, cut, running !== undefined);
    const own = forkedMeta(meta, from);
    const path = this.pathOf(meta);
    const state = await writeForkFile(path, own, point, file, pathOf, this.#nowMs());
    const writer = this.#writers.made(forkedRecord(own, point), path, state);
    await writer.listed();
    if (point.openTurn !== undefined)
      await writer.append(interruption(point.openTurn, this.#nowMs()));
    return writer;
  }

  async find(id: ThreadId): Promise<ThreadRecord | undefined> {
    return (await this.#lookup.find(id))?.record ?? (await this.#reserved(id))?.record;
  }

  async load(id: ThreadId): Promise<History> {
    const writer = this.#writers.get(id);
    await writer?.settled();
    if (writer?.wasReserved) return unsaidHistory(writer.record);
    const reserved = await this.#reserved(id);
    if (reserved) return unsaidHistory(reserved.record);
    const { record } = await this.#lookup.entry(id);
    const { meta, ...history } = await this.#history(record);
    return {
      ...history,
      record: {
        ...record,
        // In the other form the index alone knows what was said later.
        gitInfo: meta?.historyMode === "legacy" ? meta.gitInfo : record.gitInfo,
        baseInstructions: meta?.baseInstructions ?? null,
        ...(meta?.dynamicTools ? { dynamicTools: meta.dynamicTools } : {}),
        model: history.settings?.model ?? record.model,
        effort: history.settings === null ? record.effort : history.settings.effort,
      },
    };
  }

  list(query: ThreadQuery): Promise<ThreadPage> {
    return this.#catalogue.list(query);
  }

  async search(query: SearchQuery): Promise<SearchPage> {
    await this.#catalogue.upToDate();
    return this.#messages.search(query);
  }

  async rename(id: ThreadId, name: string): Promise<void> {
    const writer = this.#writers.get(id);
    if (writer !== undefined) {
      await writer.rename(name);
      return;
    }
    if (await this.#reserved(id)) {
      this.#reservations.rename(id, name);
      return;
    }
    const { record } = await this.#lookup.entry(id);
    await this.#named(record, name);
  }

  async setArchived(id: ThreadId, archived: boolean): Promise<ThreadRecord> {
    const reserved = await this.#reserved(id);
    if (reserved && archived) {
      // Nothing was said that could be kept.
      this.#reservations.end(id);
      return { ...reserved.record, archived };
    }
    const entry = await this.#lookup.latest(id);
    const { record } = entry;
    if (record.archived === archived) return record;
    const target = archived ? archivedPath : unarchivedPath;
    const earlier = await earlierFiles(this.#folders, record.path);
    const moveEarlier = async (): Promise<void> => {
      for (const path of earlier) await moveFile(path, target(this.#folders, path));
    };
    // Where a kill leaves them apart, the thread is where its last file is; `sessions` is looked at first.
    if (archived) await moveEarlier();
    const moved = await this.#move(entry, target(this.#folders, record.path), archived);
    if (!archived) await moveEarlier();
    return moved;
  }

  async #move(entry: IndexEntry, path: string, archived: boolean): Promise<ThreadRecord> {
    const writer = this.#writers.get(entry.record.id);
    if (writer !== undefined) {
      await writer.move(path, archived);
      return writer.record;
    }
    await moveFile(entry.record.path, path);
    const record = { ...entry.record, path, archived };
    this.#index.put([{ ...entry, record }]);
    return record;
  }

  async setGitInfo(id: ThreadId, gitInfo: GitInfo | null): Promise<ThreadRecord> {
    const known = this.#writers.get(id);
    const writer = known ?? (await this.#open(id));
    try {
      await writer.setGitInfo(gitInfo);
      if (writer.begun) await this.#stock.put(writer.record);
      else this.#reservations.setGitInfo(id, gitInfo);
      return writer.record;
    } finally {
      if (known === undefined) await writer.close();
    }
  }

  async revert(id: ThreadId, beforeTurnId: TurnId): Promise<ThreadRecord> {
    this.#writers.refuseTaken(id);
    if (await this.#reserved(id)) throw turnNotFound(beforeTurnId);
    return revertThread(id, beforeTurnId, {
      folders: this.#folders,
      lookup: this.#lookup,
      index: this.#index,
      writers: this.#writers,
      stock: this.#stock,
      nowMs: this.#nowMs,
      open: (thread) => this.#open(thread),
    });
  }

  async delete(id: ThreadId): Promise<void> {
    if (await this.#reserved(id)) {
      this.#reservations.end(id);
      return;
    }
    // Before its end not every fork is known.
    await this.#catalogue.complete();
    const { record } = await this.#lookup.latest(id);
    const earlier = await earlierFiles(this.#folders, record.path);
    await refuseWhileRead(id, [record.path, ...earlier], this.#index);
    await this.#writers.get(id)?.close();
    const lock = await this.#writers.take(id);
    try {
      // The last one last: while it is there the thread is.
      for (const path of [...earlier, record.path]) {
        await unlink(path).catch((error: unknown) => {
          throw storeFailure(error, "remove the thread's file");
        });
      }
      this.#index.remove(id, record.path);
      this.#messages.forget(id);
      await this.#names.remove(id);
      this.notes.removeAll(id);
    } finally {
      await lock.release();
    }
  }

  progress(): IndexProgress {
    return this.#catalogue.progress;
  }

  async close(): Promise<void> {
    await Promise.all([this.#catalogue.close(), this.#messages.close()]);
    await this.#writers.close();
  }

  #history(record: IndexEntry["record"]): Promise<DecodedHistory> {
    const file = fileOf(record);
    return this.#histories.get(record.path, async (before) => {
      let isWhole = true;
      const pathOf = async (segment: string): Promise<string | undefined> => {
        const other = await this.#lookup.pathOf(segment);
        isWhole &&= other !== undefined;
        return other;
      };
      if (!this.#writers.has(record.id)) {
        return { history: await readHistory(file, pathOf), isWhole };
      }
      const more = await before?.read(file, pathOf);
      if (more !== undefined) return { history: more, isWhole, growing: before };
      const growing = new GrowingHistory();
      const history = await growing.read(file, pathOf);
      return { history: history ?? (await readHistory(file, pathOf)), isWhole, growing };
    });
  }

  async #named(record: IndexEntry["record"], name: string): Promise<void> {
    await this.#names.append(record.id, name, this.#nowMs());
    this.#index.setName(record.id, name);
    await this.#stock.put({ ...record, name });
  }
}
