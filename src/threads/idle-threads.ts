/** Which threads in memory nobody needs there any more. */
import type { ThreadId } from "../protocol/ids.ts";
import type { LoadedThread } from "./loaded-thread.ts";

export interface IdleParts {
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  /** Whether somebody watches the thread, or something of it goes on: a turn, a process, a message on its way. */
  readonly isNeeded: (thread: LoadedThread) => boolean;
}

interface Rest {
  readonly thread: LoadedThread;
  readonly sinceMs: number;
  readonly updatedAtMs: number;
}

export class IdleThreads {
  readonly #parts: IdleParts;
  /** Threads that were not needed when they were looked at last. */
  readonly #resting = new Map<ThreadId, Rest>();

  constructor(parts: IdleParts) {
    this.#parts = parts;
  }

  /** Somebody is about to watch the thread. */
  touch(id: ThreadId): void {
    this.#resting.delete(id);
  }

  /** Those that have rested for as long as each of them may. To be asked again and again. */
  expired(threads: readonly LoadedThread[]): readonly LoadedThread[] {
    const nowMs = this.#parts.nowMs();
    const before = new Map(this.#resting);
    this.#resting.clear();
    return threads.filter((thread) => {
      if (this.#parts.isNeeded(thread)) return false;
      const { updatedAtMs, unloadDelayMs } = thread;
      const known = before.get(thread.id);
      const isSame = known?.thread === thread && known.updatedAtMs === updatedAtMs;
      const rest = isSame ? known : { thread, updatedAtMs, sinceMs: nowMs };
      this.#resting.set(thread.id, rest);
      return isSame && nowMs - rest.sinceMs >= unloadDelayMs;
    });
  }
}
