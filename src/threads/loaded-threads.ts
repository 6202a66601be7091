import { invalidRequest } from "../protocol/errors.ts";
import type { ThreadId } from "../protocol/ids.ts";
import type { LoadedThread } from "./loaded-thread.ts";

/** How a client is told that the store knows no such thread. */
export const noRollout = (id: ThreadId): string => `no rollout found for thread id ${id}`;

/** How a client is told that a thread is put away. */
export const isArchived = (id: ThreadId): string =>
  `session ${id} is archived. Run \`codex unarchive ${id}\` to unarchive it first.`;

/** The threads in memory. Who loads and unloads them is the manager's affair. */
export class LoadedThreads {
  readonly #threads = new Map<ThreadId, LoadedThread>();

  get(id: ThreadId): LoadedThread | undefined {
    return this.#threads.get(id);
  }

  /** Throws `RpcError` where it is not in memory. */
  must(id: ThreadId): LoadedThread {
    const thread = this.#threads.get(id);
    if (!thread) throw invalidRequest(`thread not found: ${id}`);
    return thread;
  }

  add(thread: LoadedThread): void {
    this.#threads.set(thread.id, thread);
  }

  delete(id: ThreadId): void {
    this.#threads.delete(id);
  }

  ids(): readonly ThreadId[] {
    return [...this.#threads.keys()].toSorted();
  }

  all(): readonly LoadedThread[] {
    return [...this.#threads.values()];
  }
}
