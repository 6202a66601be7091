/** One thread's entry, brought up to date with its file: another program may have written, moved or removed it. */
import { stat } from "node:fs/promises";
import type { EntryParts } from "./rollout-entry.ts";
import { locate, readEntry } from "./rollout-entry.ts";
import type { RolloutFolders } from "./rollout-path.ts";
import type { IndexEntry, ThreadIndex } from "./thread-index.ts";
import type { ThreadNames } from "./thread-names.ts";
import type { ThreadWriters } from "./thread-writers.ts";

export interface LookupParts {
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
      pathOf: (id) => this.pathOf(id),
    };
  }

  async pathOf(id: string): Promise<string | undefined> {
    return this.#parts.index.find(id)?.record.path ?? (await locate(this.#parts.folders, id));
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
    const found = known === undefined ? entry : keepingGitInfo(entry, known);
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
    if (entry !== undefined) return keepingGitInfo(entry, known);
  }
  return {
    ...now,
    record: { ...record, updatedAtMs: now.mtimeMs, recencyAtMs: now.mtimeMs },
  };
}

/** The repository that somebody set for a `paginated` thread stands in no file. */
function keepingGitInfo(entry: IndexEntry, { record: before }: IndexEntry): IndexEntry {
  if (entry.record.historyMode === "legacy") return entry;
  return { ...entry, record: { ...entry.record, gitInfo: before.gitInfo } };
}
