import { invalidRequest } from "../protocol/errors.ts";
import type { RequestId, ThreadId } from "../protocol/ids.ts";
import {
  threadArchived,
  threadNameUpdated,
  threadStarted,
  threadStatusChanged,
  threadTokenUsageUpdated,
  threadUnarchived,
} from "../protocol/notifications.ts";
import type { Thread } from "../protocol/thread.ts";
import type { ThreadStore } from "../store/port.ts";
import { textFrame } from "../util/text-frame.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import { LoadedThreads, noRollout } from "./loaded-threads.ts";
import type {
  CatchUpFrame,
  SettingsOverride,
  StartOptions,
  ThreadQueue,
  ThreadView,
  Threads,
} from "./port.ts";
import { clientError } from "./store-errors.ts";
import type { ThreadLoader } from "./thread-loader.ts";
import { MessageQueue } from "./message-queue.ts";
import { ThreadReading } from "./thread-reading.ts";
import { statusOf } from "./thread-state.ts";
import { storedThread, threadOf, viewOf } from "./thread-view.ts";
import { TurnControl } from "./turn-control.ts";
import type { TurnPorts } from "./turn-ports.ts";

/** The one place that knows which threads are in memory. */
export class ThreadManager implements Threads {
  readonly #loaded = new LoadedThreads();
  readonly #loading = new Map<ThreadId, Promise<LoadedThread>>();
  readonly #ports: TurnPorts;
  readonly #store: ThreadStore;
  readonly #loader: ThreadLoader;
  readonly #reading: ThreadReading;
  readonly #control: TurnControl;
  readonly #queue: MessageQueue;

  constructor(ports: TurnPorts, store: ThreadStore, loader: ThreadLoader) {
    this.#ports = ports;
    this.#store = store;
    this.#loader = loader;
    this.#reading = new ThreadReading(this.#loaded, store);
    this.#control = new TurnControl(this.#loaded, ports);
    this.#queue = new MessageQueue({
      loaded: this.#loaded,
      store,
      control: this.#control,
      publisher: ports.publisher,
      log: ports.log,
    });
  }

  get queue(): ThreadQueue {
    return this.#queue;
  }

  readonly read: Threads["read"] = (id, includeTurns) => this.#reading.read(id, includeTurns);
  readonly list: Threads["list"] = (query) => this.#reading.list(query);
  readonly turns: Threads["turns"] = (id, query) => this.#reading.turns(id, query);
  readonly items: Threads["items"] = (id, query) => this.#reading.items(id, query);
  readonly startTurn: Threads["startTurn"] = (id, start) => this.#control.startTurn(id, start);
  readonly steer: Threads["steer"] = (...words) => this.#control.steer(...words);
  readonly interrupt: Threads["interrupt"] = (id, turnId) => this.#control.interrupt(id, turnId);
  readonly runShellCommand: Threads["runShellCommand"] = (id, command) =>
    this.#control.runShellCommand(id, command);
  readonly compact: Threads["compact"] = (id) => this.#control.compact(id);
  readonly injectItems: Threads["injectItems"] = (id, items) =>
    this.#control.injectItems(id, items);
  readonly updateSettings: Threads["updateSettings"] = (id, override) =>
    this.#control.updateSettings(id, override);

  async start(options: StartOptions): Promise<{ view: ThreadView; readonly announce: () => void }> {
    const thread = await this.#loader.create(options);
    this.#keep(thread);
    return {
      view: viewOf(thread, []),
      announce: () => this.#ports.publisher.publish(threadStarted, { thread: threadOf(thread) }),
    };
  }

  async resume(
    id: ThreadId,
    { includeTurns, ...override }: SettingsOverride & { readonly includeTurns: boolean },
  ): Promise<ThreadView> {
    const present = this.#loaded.get(id);
    if (present && !present.stored) throw invalidRequest(noRollout(id));
    const thread = present ?? (await this.#load(id, override));
    return viewOf(thread, includeTurns ? thread.snapshot() : []);
  }

  loaded(): readonly ThreadId[] {
    return this.#loaded.ids();
  }

  isLoaded(id: ThreadId): boolean {
    return this.#loaded.get(id) !== undefined;
  }

  async rename(id: ThreadId, name: string): Promise<{ readonly announce: () => void }> {
    const threadName = name.trim();
    if (!threadName) throw invalidRequest("thread name must not be empty");
    const thread = this.#loaded.get(id);
    if (thread?.ephemeral) {
      throw invalidRequest(`ephemeral thread does not support metadata updates: ${id}`);
    }
    try {
      await this.#store.rename(id, threadName);
    } catch (error) {
      throw clientError(error, noRollout(id));
    }
    if (thread) thread.name = threadName;
    return {
      announce: () =>
        this.#ports.publisher.publish(threadNameUpdated, { threadId: id, threadName }),
    };
  }

  async archive(id: ThreadId): Promise<{ readonly announce: () => void }> {
    const thread = this.#loaded.get(id);
    if (thread?.ephemeral) throw invalidRequest(noRollout(id));
    if (thread) await this.#unload(thread);
    if (!thread || thread.stored) {
      try {
        await this.#store.setArchived(id, true);
      } catch (error) {
        throw clientError(error, noRollout(id));
      }
    }
    return {
      announce: () => this.#ports.publisher.publish(threadArchived, { threadId: id }),
    };
  }

  async unarchive(id: ThreadId): Promise<{ thread: Thread; readonly announce: () => void }> {
    try {
      const record = await this.#store.setArchived(id, false);
      return {
        thread: storedThread(record),
        announce: () => this.#ports.publisher.publish(threadUnarchived, { threadId: id }),
      };
    } catch (error) {
      throw clientError(error, `no archived rollout found for thread id ${id}`);
    }
  }

  catchUp(id: ThreadId): readonly CatchUpFrame[] {
    const thread = this.#loaded.get(id);
    if (!thread) return [];
    const frames: CatchUpFrame[] = [];
    if (thread.usage && thread.usageTurnId) {
      const { name } = threadTokenUsageUpdated;
      const params = { threadId: id, turnId: thread.usageTurnId, tokenUsage: thread.usage };
      frames.push({ method: name, frame: textFrame(JSON.stringify({ method: name, params })) });
    }
    for (const { requestId, frame, method } of this.#ports.desk.waitingIn(id)) {
      frames.push({ method, frame, ask: requestId });
    }
    return frames;
  }

  answer(requestId: RequestId, outcome: { result: unknown } | { error: unknown }): boolean {
    return this.#ports.desk.answer(requestId, outcome);
  }

  /** Ends all turns as interrupted and gives every thread up. */
  async close(): Promise<void> {
    await Promise.all(this.#loaded.all().map((thread) => this.#unload(thread)));
  }

  async #load(id: ThreadId, override: SettingsOverride): Promise<LoadedThread> {
    const loading = this.#loading.get(id);
    if (loading) return loading;
    const work = this.#loader.load(id, override).finally(() => this.#loading.delete(id));
    this.#loading.set(id, work);
    const thread = await work;
    this.#keep(thread);
    this.#ports.publisher.publish(threadStatusChanged, {
      threadId: id,
      status: statusOf(thread.state),
    });
    return thread;
  }

  #keep(thread: LoadedThread): void {
    this.#loaded.add(thread);
    thread.onTurnEnd = (how) => this.#queue.turnEnded(thread.id, how);
  }

  async #unload(thread: LoadedThread): Promise<void> {
    if (thread.active?.running) {
      const announceEnd = await thread.active.interrupt();
      announceEnd();
    }
    this.#loaded.delete(thread.id);
    this.#queue.forget(thread.id);
    thread.transition({ kind: "unload" });
    await this.#ports.tools.endThread(thread.id);
    await thread.close();
  }
}
