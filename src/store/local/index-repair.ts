/**
 * Brings the index up to what another program did since: files that came, went or moved, by the times
 * of their folders, and files that were written, of the threads that are asked for or were used last.
 */
import { statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ThreadRecord } from "../port.ts";
import type { EntryLookup } from "./entry-lookup.ts";
import { FolderTimes } from "./folder-times.ts";
import { threadOfFile } from "./rollout-path.ts";
import type { RolloutFolders } from "./rollout-path.ts";
import type { StampedFile, ThreadIndex } from "./thread-index.ts";

/** Where another program writes, if one does. */
const latestThreads = 64;
/** More new files than these are read in one go with all others. */
const fewFiles = 32;

export interface RepairParts {
  readonly folders: RolloutFolders;
  readonly index: ThreadIndex;
  readonly lookup: EntryLookup;
  /** Threads that this program writes: their entries are kept as they are written. */
  readonly isOpen: (id: string) => boolean;
}

export class IndexRepair {
  readonly #parts: RepairParts;
  readonly #times: FolderTimes;

  constructor(parts: RepairParts) {
    this.#parts = parts;
    this.#times = new FolderTimes(parts.folders);
  }

  /** What is there now is about to be read: only what changes from now on counts. */
  begin(): void {
    this.#times.changed();
  }

  /** The threads that were looked at; undefined where so much is new that everything has to be. */
  async refresh(): Promise<ReadonlySet<string> | undefined> {
    const changed = this.#times.changed();
    if (changed.length > 0 && !(await this.#compare(changed))) return undefined;
    const latest = this.#parts.index.latestFiles(latestThreads);
    await this.#readRewritten(latest);
    return new Set(latest.map(({ id }) => id));
  }

  /** Whether one of these was not as the index had it; those of `seen` were looked at just now. */
  rewritten(records: readonly ThreadRecord[], seen?: ReadonlySet<string>): Promise<boolean> {
    const unseen = records.map(({ id }) => id).filter((id) => !seen?.has(id));
    return this.#readRewritten(this.#parts.index.filesOf(unseen));
  }

  async #readRewritten(files: readonly StampedFile[]): Promise<boolean> {
    const { lookup, isOpen } = this.#parts;
    const stale = files.filter(({ id, path, mtimeMs, size }) => {
      if (isOpen(id)) return false;
      const found = statSync(path, { throwIfNoEntry: false });
      return found === undefined || found.size !== size || Math.floor(found.mtimeMs) !== mtimeMs;
    });
    for (const { id } of stale) await lookup.find(id);
    return stale.length > 0;
  }

  async #compare(folders: readonly string[]): Promise<boolean> {
    const { index, lookup, isOpen } = this.#parts;
    const known = await index.files();
    const inFolders = new Set<string>();
    for (const folder of folders) {
      for (const name of await readdir(folder).catch(() => [])) inFolders.add(join(folder, name));
    }
    const isNew = (path: string): boolean => {
      const id = threadOfFile(path);
      return id !== undefined && !known.has(path) && !isOpen(id);
    };
    const added = [...inFolders].filter(isNew);
    if (added.length > fewFiles) return false;
    for (const path of added) await lookup.findAt(path);
    // Last: a thread that was moved is known at its new place by now.
    const changed = new Set(folders);
    for (const [path, { id }] of known) {
      const isGone = changed.has(dirname(path)) && !inFolders.has(path);
      if (isGone && !isOpen(id)) await lookup.find(id);
    }
    return true;
  }
}
