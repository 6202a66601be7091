import type { Publisher } from "../events/port.ts";
import { invalidRequest } from "../protocol/errors.ts";
import type { ThreadId } from "../protocol/ids.ts";
import {
  threadArchived,
  threadDeleted,
  threadNameUpdated,
  threadUnarchived,
} from "../protocol/thread-notifications.ts";
import type { GitInfo, Thread } from "../protocol/thread.ts";
import type { ThreadStore } from "../store/port.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import type { LoadedThreads } from "./loaded-threads.ts";
import { noRollout } from "./loaded-threads.ts";
import type { Announcing, GitInfoChange } from "./port.ts";
import { clientError } from "./store-errors.ts";
import { storedThread, threadOf } from "./thread-view.ts";

export interface RecordPorts {
  readonly loaded: LoadedThreads;
  readonly store: ThreadStore;
  readonly publisher: Publisher;
  /** Ends what runs in the thread and takes it out of memory. */
  readonly unload: (thread: LoadedThread) => Promise<void>;
}

/** What a thread is called, where it is kept, and whether it is kept at all. */
export class ThreadRecords {
  readonly #ports: RecordPorts;

  constructor(ports: RecordPorts) {
    this.#ports = ports;
  }

  async rename(id: ThreadId, name: string): Promise<Announcing> {
    const { loaded, store, publisher } = this.#ports;
    const threadName = name.trim();
    if (!threadName) throw invalidRequest("thread name must not be empty");
    const thread = loaded.get(id);
    refuseEphemeral(thread);
    if (!thread) await this.#refuseWhere(true, id);
    await this.#stored(id, () => store.rename(id, threadName));
    if (thread) thread.name = threadName;
    return { announce: () => publisher.publish(threadNameUpdated, { threadId: id, threadName }) };
  }

  async archive(id: ThreadId): Promise<Announcing> {
    const { loaded, store, publisher, unload } = this.#ports;
    const thread = loaded.get(id);
    if (thread?.ephemeral) throw invalidRequest(noRollout(id));
    await this.#refuseWhere(true, id);
    // also what nothing was said in yet can be taken back
    if (thread) await this.#stored(id, () => thread.materialise());
    if (thread) await unload(thread);
    await this.#stored(id, () => store.setArchived(id, true));
    return { announce: () => publisher.publish(threadArchived, { threadId: id }) };
  }

  async unarchive(id: ThreadId): Promise<Announcing & { readonly thread: Thread }> {
    const { loaded, store, publisher } = this.#ports;
    const thread = loaded.get(id);
    if (thread && !thread.ephemeral) {
      throw invalidRequest(`thread ${id} already has an active writer`);
    }
    const notFound = `no archived rollout found for thread id ${id}`;
    await this.#refuseWhere(false, id, notFound);
    const record = await this.#stored(id, () => store.setArchived(id, false), notFound);
    return {
      thread: storedThread(record),
      announce: () => publisher.publish(threadUnarchived, { threadId: id }),
    };
  }

  /** For good. A thread that nothing was said in yet is only in memory. */
  async delete(id: ThreadId): Promise<Announcing> {
    const { loaded, store, publisher, unload } = this.#ports;
    const thread = loaded.get(id);
    if (thread?.ephemeral) {
      throw invalidRequest(`thread is not persisted and cannot be deleted: ${id}`);
    }
    if (thread) await unload(thread);
    if (thread && !thread.stored) await this.#forgetUnused(id);
    else await this.#stored(id, () => store.delete(id));
    return {
      announce: () => {
        publisher.publish(threadDeleted, { threadId: id });
        publisher.forget(id);
      },
    };
  }

  /** Members of `change` that are undefined stay as they are; null takes one away. */
  async setGitInfo(id: ThreadId, change: GitInfoChange): Promise<Thread> {
    const { loaded, store } = this.#ports;
    const thread = loaded.get(id);
    refuseEphemeral(thread);
    const known = thread?.gitInfo ?? (await store.find(id))?.gitInfo ?? null;
    const gitInfo = changed(known, change);
    const record = await this.#stored(id, () => store.setGitInfo(id, gitInfo));
    if (!thread) return storedThread(record);
    thread.gitInfo = gitInfo;
    return { ...threadOf(thread), canAcceptDirectInput: null };
  }

  /** Refuses a thread that is put away already, or is not. */
  async #refuseWhere(archived: boolean, id: ThreadId, why = noRollout(id)): Promise<void> {
    const record = await this.#ports.store.find(id);
    if (record?.archived === archived) throw invalidRequest(why);
  }

  /** Some stores remember a thread in which nothing was said, others do not. */
  async #forgetUnused(id: ThreadId): Promise<void> {
    const known = await this.#ports.store.find(id);
    if (known) await this.#stored(id, () => this.#ports.store.delete(id));
  }

  async #stored<T>(id: ThreadId, work: () => Promise<T>, notFound = noRollout(id)): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw clientError(error, notFound);
    }
  }
}

function refuseEphemeral(thread: LoadedThread | undefined): void {
  if (!thread?.ephemeral) return;
  throw invalidRequest(`ephemeral thread does not support metadata updates: ${thread.id}`);
}

function changed(known: GitInfo | null, change: GitInfoChange): GitInfo | null {
  const { sha = null, branch = null, originUrl = null } = known ?? {};
  const next = {
    sha: change.sha === undefined ? sha : change.sha,
    branch: change.branch === undefined ? branch : change.branch,
    originUrl: change.originUrl === undefined ? originUrl : change.originUrl,
  };
  return Object.values(next).every((value) => value === null) ? null : next;
}
