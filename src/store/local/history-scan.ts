/**
 * Brings the index up to what lies on the disk, in the background: files whose time or size is not
 * the known one are looked at, a few at a time, only their heads.
 */
import { stat, unlink } from "node:fs/promises";
import { deferred } from "../../util/deferred.ts";
import type { IndexProgress } from "../port.ts";
import { keepingOwn, updated } from "./entry-lookup.ts";
import { exists, readEntry, rolloutFiles } from "./rollout-entry.ts";
import type { EntryParts } from "./rollout-entry.ts";
import { latestFiles, segmentOfFile, threadOfFile } from "./rollout-path.ts";
import type { RolloutFolders } from "./rollout-path.ts";
import type { IndexEntry, KnownFile, ThreadIndex } from "./thread-index.ts";
import type { ThreadNames } from "./thread-names.ts";

/** Enough to keep the disk busy; what they parse in one turn of the event loop stays under 5 ms. */
const parallelFiles = 8;
/** About 3 ms of SQLite. */
const batchEntries = 64;

export interface ScanParts {
  /** The provider of threads that name none. */
  readonly standardProvider: () => string;
  readonly folders: RolloutFolders;
  readonly index: ThreadIndex;
  readonly names: ThreadNames;
  /** Threads that this program writes: their entries are kept as they are written. */
  isOpen(id: string): boolean;
}

interface SeenFile {
  readonly path: string;
  readonly mtimeMs: number;
}

/** A few at a time. */
export async function inParallel<T>(
  list: readonly T[],
  work: (entry: T) => Promise<void>,
): Promise<void> {
  const queue = list.values();
  const worker = async (): Promise<void> => {
    for (const entry of queue) await work(entry);
  };
  await Promise.all(Array.from({ length: parallelFiles }, worker));
}

/** Another program may be writing a younger one: even a long fork is done in seconds. */
const staleMs = 10 * 60 * 1000;

/** What a program left that was killed while it wrote a fork. */
async function removeStale(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > staleMs) await unlink(path);
  } catch {
    // it is in nobody's way
  }
}

export class HistoryScan {
  readonly #parts: ScanParts;
  #progress: IndexProgress = { state: "running", indexed: 0, total: 0 };
  #batch: IndexEntry[] = [];
  #stopped = false;
  #frontierMs = Infinity;
  #advanced = deferred<void>();
  /** Every file that was found, by its segment. */
  #paths = new Map<string, string>();
  readonly #look: EntryParts;

  constructor(parts: ScanParts) {
    this.#parts = parts;
    this.#look = {
      folders: parts.folders,
      name: (id) => parts.names.nameOf(id),
      standardProvider: parts.standardProvider,
      pathOf: async (id) => this.#paths.get(id),
    };
  }

  /**
   * What was written after this, Unix ms, is in the index. A thread is not made, and not used last,
   * after its file was written: the same holds of those times.
   */
  get frontierMs(): number {
    return this.#frontierMs;
  }

  /** Resolves when the frontier moves or the scan ends. */
  get advanced(): Promise<void> {
    return this.#advanced.promise;
  }

  #advance(): void {
    const before = this.#advanced;
    this.#advanced = deferred();
    before.resolve();
  }

  get progress(): IndexProgress {
    return this.#progress;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Rejects where the folders cannot be read; what was indexed until then stays. */
  async run(): Promise<void> {
    this.#stopped = false;
    this.#progress = { state: "running", indexed: 0, total: 0 };
    try {
      await this.#scan();
      this.#progress = { ...this.#progress, state: "done" };
    } catch (error) {
      this.#progress = { ...this.#progress, state: "failed" };
      throw error;
    } finally {
      this.#advance();
    }
  }

  async #scan(): Promise<void> {
    const { names, index, folders } = this.#parts;
    this.#frontierMs = Infinity;
    await names.refresh();
    const known = await index.files();
    const paths: string[] = [];
    const unfinished: string[] = [];
    const listed = rolloutFiles(folders, (path) => unfinished.push(path));
    for await (const found of listed) paths.push(...found);
    await Promise.all(unfinished.map(removeStale));
    const latest = latestFiles(paths);
    this.#progress = { state: "running", indexed: 0, total: latest.length };
    this.#paths = new Map(paths.toReversed().map((path) => [segmentOfFile(path) ?? "", path]));
    await this.#forget(known, new Set(paths));
    const news = await this.#newsOf(latest, known);
    this.#count(latest.length - news.length);
    for (let at = 0; at < news.length && !this.#stopped; at += batchEntries) {
      const batch = news.slice(at, at + batchEntries);
      await inParallel(batch, async ({ path }) => {
        const entry = await this.#entryOf(path);
        if (entry !== undefined) this.#batch.push(entry);
      });
      this.#flush();
      this.#count(batch.length);
      this.#frontierMs = news[at + batchEntries]?.mtimeMs ?? -Infinity;
      this.#advance();
    }
  }

  /** The files that are new or other than they were, the one that was written last first. */
  async #newsOf(paths: readonly string[], known: Map<string, KnownFile>): Promise<SeenFile[]> {
    const news: SeenFile[] = [];
    await inParallel(paths, async (path) => {
      const found = await stat(path).catch(() => undefined);
      if (found === undefined) return;
      const { size } = found;
      const mtimeMs = Math.floor(found.mtimeMs);
      const before = known.get(path);
      if (before?.mtimeMs !== mtimeMs || before.size !== size) news.push({ path, mtimeMs });
    });
    return news.toSorted((one, other) => other.mtimeMs - one.mtimeMs);
  }

  /** A new or changed file's entry; undefined where the file names no thread, or went away meanwhile. */
  async #entryOf(path: string): Promise<IndexEntry | undefined> {
    const id = threadOfFile(path) ?? "";
    if (this.#parts.isOpen(id)) return undefined;
    try {
      const before = this.#parts.index.find(id);
      if (before?.record.path !== path) {
        const entry = await readEntry(path, this.#look);
        return entry && keepingOwn(entry, before);
      }
      const { mtimeMs, size } = await stat(path);
      return await updated(before, { mtimeMs: Math.floor(mtimeMs), size }, this.#look);
    } catch {
      return undefined;
    }
  }

  #count(more: number): void {
    this.#progress = { ...this.#progress, indexed: this.#progress.indexed + more };
  }

  #flush(): void {
    const batch = this.#batch.filter(({ record }) => !this.#parts.isOpen(record.id));
    this.#batch = [];
    if (batch.length > 0 && !this.#stopped) this.#parts.index.put(batch);
  }

  async #forget(known: Map<string, KnownFile>, seen: ReadonlySet<string>): Promise<void> {
    for (const [path, { id }] of known) {
      if (this.#stopped) return;
      if (!seen.has(path) && !(await exists(path))) this.#parts.index.remove(id, path);
    }
  }
}
