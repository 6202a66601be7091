/** One thread's entry, brought up to date with its file: another program may have written, moved or removed it. */
import { stat } from "node:fs/promises";
import { threadNotFound } from "../thread-failures.ts";
import type { EntryParts } from "./rollout-entry.ts";
import { laterFile, locate, locateSegment, readEntry } from "./rollout-entry.ts";
import { segmentOfFile } from "./rollout-path.ts";
import type { RolloutFolders } from "./rollout-path.ts";
import { storeFailure } from "./store-failure.ts";
import type { IndexEntry, ThreadIndex } from "./thread-index.ts";
import type { ThreadNames } from "./thread-names.ts";
import type { ThreadWriters } from "./thread-writers.ts";

export interface LookupParts {
  /** The provider of threads that name none. */
  readonly standardProvider: () => string;
  readonly folders: RolloutFolders;
  readonly index: ThreadIndex;
  readonly names: ThreadNames;
  readonly writers: ThreadWriters;
}

export class EntryLookup {
  readonly #parts: LookupParts;
  readonly #look: EntryParts;

  constructor(parts: LookupParts) {
    this.#parts = parts;
    this.#look = {
      folders: parts.folders,
      name: (id) => parts.names.nameOf(id),
      standardProvider: parts.standardProvider,
      pathOf: (segment) => this.pathOf(segment),
    };
  }

  /** The file that others lean on by this name. */
  async pathOf(segment: string): Promise<string | undefined> {
    const path = this.#parts.index.find(segment)?.record.path;
    return path !== undefined && segmentOfFile(path) === segment
      ? path
      : locateSegment(this.#parts.folders, segment);
  }

  /** As `find`; rejects with `StoreError`. */
  async entry(id: string): Promise<IndexEntry> {
    const entry = await this.find(id).catch((error: unknown) => {
      throw storeFailure(error, "look for the thread");
    });
    if (entry === undefined) throw threadNotFound(id);
    return entry;
  }

  /** As `entry`, also where another program took turns back and went on in a further file. */
  async latest(id: string): Promise<IndexEntry> {
    const { writers, index, folders } = this.#parts;
    const known = await this.entry(id);
    if (writers.has(id)) return known;
    const later = await laterFile(folders, known.record.path);
    const entry = later === undefined ? undefined : await readEntry(later, this.#look);
    if (entry === undefined) return known;
    const found = keepingOwn(entry, known);
    index.put([found]);
    return found;
  }

  /** The thread as it is now; undefined where it has no file (any more). */
  async find(id: string): Promise<IndexEntry | undefined> {
    const { index, writers } = this.#parts;
    const writer = writers.get(id);
    if (writer !== undefined && !writer.begun) return undefined;
    const known = index.find(id);
    const file = known && (await stat(known.record.path).catch(() => undefined));
    if (known === undefined || file === undefined) return this.#search(id, known);
    const mtimeMs = Math.floor(file.mtimeMs);
    // This program's own lines are in the index already, or soon.
    if (writer !== undefined) return known;
    if (known.mtimeMs === mtimeMs && known.size === file.size) return known;
    const entry = await updated(known, { mtimeMs, size: file.size }, this.#look);
    index.put([entry]);
    return entry;
  }

  /** The thread of a file that was not known. */
  async findAt(path: string): Promise<void> {
    const { index } = this.#parts;
    const entry = await readEntry(path, this.#look).catch(() => undefined);
    if (entry === undefined) return;
    const known = index.find(entry.record.id);
    if (known === undefined) index.put([entry]);
    else await this.latest(entry.record.id);
  }

  /** The file is not where it was. */
  async #search(id: string, known: IndexEntry | undefined): Promise<IndexEntry | undefined> {
    const { folders, index, names, writers } = this.#parts;
    await names.refresh();
    const path = await locate(folders, id);
    const entry = path === undefined ? undefined : await readEntry(path, this.#look);
    if (entry === undefined) {
      if (known !== undefined) index.remove(id, known.record.path);
      return undefined;
    }
    const found = keepingOwn(entry, known);
    index.put([found]);
    await writers.get(id)?.follow(found.record.path, found.record.archived);
    return found;
  }
}

/** The entry of a file that another program wrote since; a file that is shorter now is read from its start. */
export async function updated(
  known: IndexEntry,
  now: Pick<IndexEntry, "mtimeMs" | "size">,
  look: EntryParts,
): Promise<IndexEntry> {
  const { record } = known;
  if (record.preview === "" || now.size < known.size) {
    const entry = await readEntry(record.path, look);
    if (entry !== undefined) return keepingOwn(entry, known);
  }
  return {
    ...now,
    record: { ...record, updatedAtMs: now.mtimeMs, recencyAtMs: now.mtimeMs },
  };
}

/**
 * The repository that somebody set for a `paginated` thread stands in no file, and a further file of
 * the stock server says when it was made itself.
 */
export function keepingOwn(entry: IndexEntry, before: IndexEntry | undefined): IndexEntry {
  if (before === undefined || entry.record.historyMode === "legacy") return entry;
  const { gitInfo, createdAtMs } = before.record;
  return { ...entry, record: { ...entry.record, gitInfo, createdAtMs } };
}
