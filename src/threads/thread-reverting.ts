import { invalidRequest } from "../protocol/errors.ts";
import type { ThreadId, TurnId } from "../protocol/ids.ts";
import { threadReverted } from "../protocol/thread-notifications.ts";
import { threadTokenUsageUpdated } from "../protocol/turn-notifications.ts";
import type { Publisher } from "../events/port.ts";
import type { Thread } from "../protocol/thread.ts";
import type { ThreadStore } from "../store/port.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import { noRollout } from "./loaded-threads.ts";
import type { LoadedThreads } from "./loaded-threads.ts";
import type { Announcing, ThreadRevert, ThreadView } from "./port.ts";
import { turnSettings } from "./settings.ts";
import { clientError } from "./store-errors.ts";
import { threadOf, viewOf } from "./thread-view.ts";

export interface RevertPorts {
  readonly loaded: LoadedThreads;
  readonly store: ThreadStore;
  readonly publisher: Publisher;
  /** Ends what runs in the thread and takes it out of memory; clients are told. */
  readonly unload: (thread: LoadedThread) => Promise<void>;
  /** Takes a thread into memory again; clients are told. Rejects with `RpcError`. */
  readonly load: (id: ThreadId) => Promise<LoadedThread>;
  /** As `load`, and nobody is told. */
  readonly loadUnseen: (id: ThreadId) => Promise<LoadedThread>;
  /** With what is kept beside it. */
  readonly placed: (thread: Thread) => Promise<Thread>;
  /** What nobody read yet may be gone with the turns. Never rejects; clients are told. */
  readonly unread: (thread: LoadedThread) => Promise<void>;
}

/** Turns that people take back. A refusal changes nothing. */
export class ThreadReverting implements ThreadRevert {
  readonly #ports: RevertPorts;

  constructor(ports: RevertPorts) {
    this.#ports = ports;
  }

  async revert(
    id: ThreadId,
    beforeTurnId: TurnId,
  ): Promise<{ readonly view: ThreadView } & Announcing> {
    const { loaded, unload, load } = this.#ports;
    const thread = loaded.must(id);
    if (thread.ephemeral) throw invalidRequest("ephemeral threads do not support thread/revert");
    if (thread.meta.historyMode === "legacy") {
      throw invalidRequest("thread/revert only supports paginated threads");
    }
    if (!thread.stored) throw invalidRequest(noRollout(id));
    if (!thread.snapshot().some((turn) => turn.id === beforeTurnId)) {
      throw invalidRequest(`turn not found: ${beforeTurnId}`);
    }
    await unload(thread);
    const again = await this.#takeBack(thread, beforeTurnId, load);
    const view = viewOf(again, []);
    return {
      view: { ...view, thread: await this.#ports.placed(view.thread) },
      announce: () => this.#tell(id),
    };
  }

  async rollback(
    id: ThreadId,
    turnCount: number,
  ): Promise<{ readonly thread: Thread } & Announcing> {
    const { loaded, publisher, loadUnseen } = this.#ports;
    const thread = loaded.must(id);
    if (thread.ephemeral) {
      throw invalidRequest("thread rollback requires persisted thread history");
    }
    if (!thread.stored) {
      throw invalidRequest(`failed to load thread history for rollback replay: ${noRollout(id)}`);
    }
    if (thread.active) throw invalidRequest("Cannot rollback while a turn is in progress.");
    const first = thread.turns.at(-turnCount) ?? thread.turns[0];
    let again = thread;
    if (first !== undefined) {
      loaded.delete(id);
      await thread.close();
      again = await this.#takeBack(thread, first.id, loadUnseen);
    }
    const { usage: tokenUsage, usageTurnId: turnId } = again;
    if (tokenUsage && turnId) {
      publisher.publish(threadTokenUsageUpdated, { threadId: id, turnId, tokenUsage });
    }
    const left = await this.#ports.placed(threadOf(again, again.snapshot()));
    return { thread: left, announce: () => this.#tell(id) };
  }

  /** The thread as it is then, in memory, with the settings that it had. */
  async #takeBack(
    before: LoadedThread,
    firstId: TurnId,
    load: (id: ThreadId) => Promise<LoadedThread>,
  ): Promise<LoadedThread> {
    const { id, settings } = before;
    const reverted = this.#ports.store.revert(id, firstId);
    await reverted.catch(() => undefined);
    // Also where it failed: who watched the thread goes on watching it.
    const thread = await load(id);
    thread.settings = settings;
    try {
      await reverted;
      await thread.append([{ kind: "settings", settings: turnSettings(settings) }]);
    } catch (error) {
      throw clientError(error, noRollout(id));
    }
    await this.#ports.unread(thread);
    return thread;
  }

  #tell(threadId: ThreadId): void {
    this.#ports.publisher.publish(threadReverted, { threadId });
  }
}
