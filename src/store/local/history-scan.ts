/**
 * Brings the index up to what lies on the disk, in the background: files whose time or size is not
 * the known one are looked at, a few at a time, only their heads.
 */
import { stat } from "node:fs/promises";
import type { IndexProgress } from "../port.ts";
import { exists, readEntry, rolloutFiles } from "./rollout-entry.ts";
import type { EntryParts } from "./rollout-entry.ts";
import { threadOfFile } from "./rollout-path.ts";
import type { RolloutFolders } from "./rollout-path.ts";
import type { IndexEntry, KnownFile, ThreadIndex } from "./thread-index.ts";
import type { ThreadNames } from "./thread-names.ts";

/** Enough to keep the disk busy; what they parse in one turn of the event loop stays under 5 ms. */
const parallelFiles = 8;
/** About 3 ms of SQLite. */
const batchEntries = 64;

export interface ScanParts {
  readonly folders: RolloutFolders;
  readonly index: ThreadIndex;
  readonly names: ThreadNames;
  /** Threads that this program writes: their entries are kept as they are written. */
  isOpen(id: string): boolean;
}

export class HistoryScan {
  readonly #parts: ScanParts;
  #progress: IndexProgress = { state: "running", indexed: 0, total: 0 };
  #batch: IndexEntry[] = [];
  #stopped = false;
  /** Every file that was found, by its thread. */
  #paths = new Map<string, string>();
  readonly #look: EntryParts;

  constructor(parts: ScanParts) {
    this.#parts = parts;
    this.#look = {
      folders: parts.folders,
      name: (id) => parts.names.nameOf(id),
      pathOf: async (id) => this.#paths.get(id),
    };
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
    }
  }

  async #scan(): Promise<void> {
    const { names, index, folders } = this.#parts;
    const renamed = await names.refresh();
    const known = index.files();
    const paths: string[] = [];
    for await (const found of rolloutFiles(folders)) paths.push(...found);
    this.#progress = { state: "running", indexed: 0, total: paths.length };
    this.#paths = new Map(paths.toReversed().map((path) => [threadOfFile(path) ?? "", path]));
    const queue = paths.values();
    await Promise.all(Array.from({ length: parallelFiles }, () => this.#work(queue, known)));
    this.#flush();
    for (const [id, name] of renamed) index.setName(id, name);
    await this.#forget(known, new Set(paths));
  }

  async #work(queue: IterableIterator<string>, known: Map<string, KnownFile>): Promise<void> {
    for (const path of queue) {
      if (this.#stopped) return;
      const entry = await this.#entryOf(path, known.get(path));
      if (entry !== undefined) this.#batch.push(entry);
      if (this.#batch.length >= batchEntries) this.#flush();
      this.#progress = { ...this.#progress, indexed: this.#progress.indexed + 1 };
    }
  }

  /** A new or changed file's entry; undefined where nothing is to do, or the file went away meanwhile. */
  async #entryOf(path: string, known: KnownFile | undefined): Promise<IndexEntry | undefined> {
    const { index } = this.#parts;
    if (this.#parts.isOpen(threadOfFile(path) ?? "")) return undefined;
    try {
      if (known === undefined) return await readEntry(path, this.#look);
      const { mtimeMs, size } = await stat(path);
      const now = Math.floor(mtimeMs);
      if (now === known.mtimeMs && size === known.size) return undefined;
      const before = index.find(known.id);
      if (before === undefined || before.record.preview === "") {
        return await readEntry(path, this.#look);
      }
      const record = { ...before.record, updatedAtMs: now, recencyAtMs: now };
      return { record, mtimeMs: now, size };
    } catch {
      return undefined;
    }
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
