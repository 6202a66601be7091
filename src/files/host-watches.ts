/** The watches of all connections. */
import { invalidRequest } from "../protocol/errors.ts";
import type { FileGuard } from "./file-guard.ts";
import { plainPath } from "./opened.ts";
import { OwnedTable } from "./owned-table.ts";
import type { FileAccess, FileWatches, WatchListener } from "./port.ts";
import { toldBySystem } from "./system-error.ts";
import { WatchedPath } from "./watched-path.ts";

/** Of one connection. */
const maxWatches = 256;
/** Of all together: the system has a bound of its own, for all programs of the user. */
const maxWatchesOfAll = 4_096;

export class HostWatches implements FileWatches {
  readonly #guard: FileGuard;
  readonly #watches = new OwnedTable<OneWatch>();

  constructor(guard: FileGuard) {
    this.#guard = guard;
  }

  async start(
    owner: object,
    id: string,
    access: FileAccess,
    named: string,
    listener: WatchListener,
  ): Promise<string> {
    const path = plainPath(named);
    if (this.#watches.get(owner, id)) throw invalidRequest(`watchId already exists: ${id}`);
    if (this.#watches.count(owner) >= maxWatches) {
      throw invalidRequest(`${maxWatches} watches of this connection are open; end one of them`);
    }
    if (this.#watches.countOfAll >= maxWatchesOfAll) {
      throw invalidRequest(`${maxWatchesOfAll} watches of this host are open; try again later`);
    }
    // the name is taken from now on
    const watch = new OneWatch(listener);
    this.#watches.set(owner, id, watch);
    try {
      await toldBySystem(() => watch.begin(this.#guard, access, path));
    } catch (error) {
      this.#watches.close(owner, id, watch);
      throw error;
    }
    return path;
  }

  stop(owner: object, id: string): void {
    this.#watches.close(owner, id);
  }

  close(): void {
    this.#watches.closeAll();
  }
}

/** It may be ended before it has begun. */
class OneWatch {
  readonly #listener: WatchListener;
  #path: WatchedPath | undefined;
  #isClosed = false;

  constructor(listener: WatchListener) {
    this.#listener = listener;
  }

  async begin(guard: FileGuard, access: FileAccess, path: string): Promise<void> {
    const watched = await WatchedPath.start(guard, access, path, (paths) => {
      if (!this.#isClosed) this.#listener.changed(paths);
    });
    if (this.#isClosed) watched.close();
    else this.#path = watched;
  }

  close(): void {
    this.#isClosed = true;
    this.#path?.close();
    this.#listener.closed();
  }
}
