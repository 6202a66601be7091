/**
 * Changes of one path: of a file, or of what lies directly in a folder. It is watched by the folder that it lies in,
 * too, so that one which is replaced, goes, or is not there yet is found again.
 */
import { type FSWatcher, watch } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { RpcError } from "../protocol/errors.ts";
import type { FileGuard } from "./file-guard.ts";
import { childStats, withFolder } from "./opened.ts";
import type { FileAccess } from "./port.ts";
import { isCode } from "./system-error.ts";

/** Changes are told together that come within this time. */
const gatherMs = 100;
/** With more than this at a time the path itself stands for all: everything in it is to be read again. */
const maxChanges = 1_000;
/** What is reported of the folder itself that is watched: it is opened by this name. */
const itself = ".";

interface Place {
  readonly folder: string;
  /** What of the folder is watched; undefined: all that is in it. */
  readonly name: string | undefined;
}

export class WatchedPath {
  readonly #guard: FileGuard;
  readonly #access: FileAccess;
  /** Absolute and plain. */
  readonly #path: string;
  readonly #tell: (changedPaths: readonly string[]) => void;
  #watchers: readonly FSWatcher[] = [];
  #isThere = false;
  #isClosed = false;
  #isStale = false;
  #changes = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    guard: FileGuard,
    access: FileAccess,
    path: string,
    tell: (changedPaths: readonly string[]) => void,
  ) {
    this.#guard = guard;
    this.#access = access;
    this.#path = path;
    this.#tell = tell;
  }

  /** Rejects where the caller may not watch it. */
  static async start(
    guard: FileGuard,
    access: FileAccess,
    path: string,
    tell: (changedPaths: readonly string[]) => void,
  ): Promise<WatchedPath> {
    const watched = new WatchedPath(guard, access, path, tell);
    await watched.#arm();
    return watched;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  /** Watches where the path leads now. The new watchers are there before the old ones go. */
  async #arm(): Promise<void> {
    const { needed, useful, isThere } = await placesOf(this.#path);
    const fresh: FSWatcher[] = [];
    try {
      for (const place of needed) fresh.push(await this.#watch(place));
      for (const place of useful) {
        // the folder above may be out of the caller's bounds, while the path itself is not
        await this.#watch(place).then((watcher) => fresh.push(watcher), ignore);
      }
    } catch (error) {
      for (const watcher of fresh) watcher.close();
      throw error;
    }
    const old = this.#watchers;
    this.#watchers = this.#isClosed ? [] : fresh;
    for (const watcher of this.#isClosed ? [...old, ...fresh] : old) watcher.close();
    if (isThere !== this.#isThere && old.length > 0) this.#note(this.#path);
    this.#isThere = isThere;
  }

  async #watch({ folder, name }: Place): Promise<FSWatcher> {
    return withFolder(this.#guard, this.#access, this.#path, folder, async (opened) => {
      if (name !== undefined) {
        const there = await childStats(opened, name);
        await this.#guard.checkName(this.#path, join(opened.real, name), there);
      }
      const onEvent = name === undefined ? this.#inFolder : this.#onName(name);
      try {
        // what was opened and checked is watched, whatever has its name by now
        const watcher = watch(`${opened.at}/${itself}`, { persistent: false });
        watcher.on("change", onEvent);
        watcher.on("error", this.#lost);
        return watcher;
      } catch (error) {
        throw isCode(error, "ENOSPC", "EMFILE") ? noMoreWatches(error) : error;
      }
    });
  }

  readonly #inFolder = (kind: string, name: string | Buffer | null): void => {
    const isItself = name === null || String(name) === itself;
    if (isItself && kind === "rename") this.#isStale = true;
    this.#note(isItself ? this.#path : join(this.#path, String(name)));
  };

  /** A name that is not the path's own is one on the way to it: what comes of it is seen when it is watched anew. */
  readonly #onName =
    (wanted: string) =>
    (kind: string, name: string | Buffer | null): void => {
      if (name === null || String(name) !== wanted) return;
      if (kind === "rename" || !this.#isThere) this.#isStale = true;
      if (this.#isThere) this.#note(this.#path);
      else this.#schedule();
    };

  readonly #lost = (): void => {
    this.#isStale = true;
    this.#note(this.#path);
  };

  #note(path: string): void {
    if (this.#changes.size <= maxChanges) this.#changes.add(path);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => void this.#flush(), gatherMs);
  }

  async #flush(): Promise<void> {
    if (this.#isStale) {
      this.#isStale = false;
      // where it leads may not be the caller's to see now: then there is nothing to tell
      await this.#arm().catch(ignore);
    }
    this.#timer = undefined;
    const changes = this.#changes;
    if (this.#isClosed || changes.size === 0) return;
    this.#changes = new Set();
    this.#tell(changes.size > maxChanges ? [this.#path] : [...changes].toSorted());
  }
}

const ignore = (): void => undefined;

interface Places {
  /** Without these nothing would be seen. */
  readonly needed: readonly Place[];
  /** By these it is seen that the path leads elsewhere. */
  readonly useful: readonly Place[];
  readonly isThere: boolean;
}

async function placesOf(path: string): Promise<Places> {
  try {
    const real = await realpath(path);
    const itsOwn = { folder: dirname(real), name: basename(real) };
    const named = { folder: await realpath(dirname(path)), name: basename(path) };
    const isSame = itsOwn.folder === named.folder && itsOwn.name === named.name;
    const others = isSame ? [] : [named];
    return (await stat(real)).isDirectory()
      ? { needed: [{ folder: real, name: undefined }], useful: [itsOwn, ...others], isThere: true }
      : { needed: [itsOwn], useful: others, isThere: true };
  } catch (error) {
    if (!isCode(error, "ENOENT", "ENOTDIR")) throw error;
  }
  return { needed: [await nearestTo(path)], useful: [], isThere: false };
}

/** The deepest folder that is there, and what is missing in it. */
async function nearestTo(path: string): Promise<Place> {
  const folder = await realpath(dirname(path)).catch(() => undefined);
  const isFolder = folder !== undefined && (await stat(folder)).isDirectory();
  return isFolder ? { folder, name: basename(path) } : nearestTo(dirname(path));
}

const noMoreWatches = (cause: unknown): RpcError =>
  new RpcError(
    "invalidRequest",
    "this machine has no more watches for files; end some with fs/unwatch, or raise fs.inotify.max_user_watches",
    { cause },
  );
