import { RpcError, invalidRequest } from "../protocol/errors.ts";
import type { RequestId, ThreadId, TurnId } from "../protocol/ids.ts";
import type { ThreadItemEntry } from "../protocol/item.ts";
import {
  threadArchived,
  threadNameUpdated,
  threadStarted,
  threadStatusChanged,
  threadTokenUsageUpdated,
  threadUnarchived,
} from "../protocol/notifications.ts";
import type { Thread } from "../protocol/thread.ts";
import type { Turn } from "../protocol/turn.ts";
import type { UserInput } from "../protocol/user-input.ts";
import type { History, ThreadStore } from "../store/port.ts";
import { textFrame } from "../util/text-frame.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import { checkInputSize } from "./model-input.ts";
import { pageOf } from "./paging.ts";
import type {
  CatchUpFrame,
  Page,
  PageQuery,
  SettingsOverride,
  StartOptions,
  ThreadListQuery,
  ThreadView,
  Threads,
  TurnStart,
} from "./port.ts";
import { withOverride } from "./settings.ts";
import { clientError } from "./store-errors.ts";
import type { ThreadLoader } from "./thread-loader.ts";
import { statusOf } from "./thread-state.ts";
import { listedThread, storedThread, threadOf, viewOf } from "./thread-view.ts";
import type { TurnPorts } from "./turn-ports.ts";
import { TurnRunner } from "./turn-runner.ts";
import { entriesOf, viewedTurn } from "./turn-views.ts";

const noRollout = (id: ThreadId): string => `no rollout found for thread id ${id}`;

/** The one place that knows which threads are in memory. */
export class ThreadManager implements Threads {
  readonly #loaded = new Map<ThreadId, LoadedThread>();
  readonly #loading = new Map<ThreadId, Promise<LoadedThread>>();
  readonly #ports: TurnPorts;
  readonly #store: ThreadStore;
  readonly #loader: ThreadLoader;

  constructor(ports: TurnPorts, store: ThreadStore, loader: ThreadLoader) {
    this.#ports = ports;
    this.#store = store;
    this.#loader = loader;
  }

  async start(options: StartOptions): Promise<{ view: ThreadView; readonly announce: () => void }> {
    const thread = await this.#loader.create(options);
    this.#loaded.set(thread.id, thread);
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

  async read(id: ThreadId, includeTurns: boolean): Promise<Thread> {
    const thread = this.#loaded.get(id);
    if (thread) {
      if (includeTurns) this.#mustHaveTurns(thread);
      return threadOf(thread, includeTurns ? thread.snapshot() : []);
    }
    if (includeTurns) {
      const { record, turns } = await this.#history(id, `thread not loaded: ${id}`);
      return storedThread(record, turns);
    }
    const record = await this.#store.find(id);
    if (!record) throw invalidRequest(`thread not loaded: ${id}`);
    return storedThread(record);
  }

  async list(query: ThreadListQuery): Promise<Page<Thread>> {
    const { cursor, direction, cwds, modelProviders, sourceKinds, searchTerm } = query;
    try {
      const page = await this.#store.list({
        archived: query.archived,
        sortKey: query.sortKey,
        sortDirection: direction,
        limit: query.limit,
        ...(cursor === undefined ? {} : { cursor }),
        ...(cwds ? { cwds } : {}),
        ...(modelProviders ? { modelProviders } : {}),
        ...(sourceKinds ? { sources: sourceKinds } : {}),
        ...(searchTerm === undefined ? {} : { searchTerm }),
      });
      return {
        ...page,
        data: page.data.map((record) => listedThread(record, this.#loaded.get(record.id))),
      };
    } catch (error) {
      throw clientError(error, "no threads");
    }
  }

  loaded(): readonly ThreadId[] {
    return [...this.#loaded.keys()].toSorted();
  }

  isLoaded(id: ThreadId): boolean {
    return this.#loaded.has(id);
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

  async turns(
    id: ThreadId,
    query: PageQuery & { readonly view: Turn["itemsView"] },
  ): Promise<Page<Turn>> {
    const turns = await this.#turnsOf(
      id,
      `thread ${id} is not materialized yet; thread/turns/list is unavailable before first user message`,
    );
    const page = pageOf(turns, (turn) => turn.id, query);
    return { ...page, data: page.data.map((turn) => viewedTurn(turn, query.view)) };
  }

  async items(
    id: ThreadId,
    query: PageQuery & { readonly turnId: TurnId | undefined },
  ): Promise<Page<ThreadItemEntry>> {
    const thread = this.#loaded.get(id);
    if ((thread && !thread.stored) || (!thread && !(await this.#store.find(id)))) {
      throw new RpcError("methodNotFound", "thread/items/list is not supported yet");
    }
    const turns = await this.#turnsOf(id, noRollout(id));
    return pageOf(entriesOf(turns, query.turnId), ({ item }) => item.id, query);
  }

  async startTurn(
    id: ThreadId,
    { input, clientId, outputSchema, ...override }: TurnStart,
  ): Promise<{ turn: Turn; readonly announce: () => void }> {
    const thread = this.#mustBeLoaded(id);
    checkInputSize(input);
    if (thread.active?.running) {
      const { active } = thread;
      return { turn: active.opening(), announce: await steered(active, input, clientId) };
    }
    thread.unannounced?.();
    thread.settings = withOverride(thread.settings, override);
    const runner = new TurnRunner(thread, this.#ports, outputSchema);
    thread.active = runner;
    thread.recencyAtMs = Date.now();
    try {
      const items = await runner.accept(input, clientId);
      return { turn: runner.opening(), announce: () => runner.begin(items) };
    } catch (error) {
      runner.refused();
      throw clientError(error, noRollout(id));
    }
  }

  async steer(
    id: ThreadId,
    expected: TurnId,
    input: readonly UserInput[],
    clientId: string | null,
  ): Promise<{ turnId: TurnId; readonly announce: () => void }> {
    const thread = this.#mustBeLoaded(id);
    if (!expected) throw invalidRequest("expectedTurnId must not be empty");
    checkInputSize(input);
    const active = runningTurn(thread, "steer");
    if (active.id !== expected) {
      throw invalidRequest(`expected active turn id \`${expected}\` but found \`${active.id}\``);
    }
    if (input.length === 0) throw invalidRequest("input must not be empty");
    return { turnId: active.id, announce: await steered(active, input, clientId) };
  }

  async interrupt(id: ThreadId, turnId: TurnId): Promise<{ readonly announce: () => void }> {
    const thread = this.#mustBeLoaded(id);
    if (turnId === "" && !thread.active) return { announce: () => {} };
    const active = runningTurn(thread, "interrupt");
    if (active.id !== turnId) {
      throw invalidRequest(`expected active turn id ${turnId} but found ${active.id}`);
    }
    return { announce: await active.interrupt() };
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
    await Promise.all([...this.#loaded.values()].map((thread) => this.#unload(thread)));
  }

  async #load(id: ThreadId, override: SettingsOverride): Promise<LoadedThread> {
    const loading = this.#loading.get(id);
    if (loading) return loading;
    const work = this.#loader.load(id, override).finally(() => this.#loading.delete(id));
    this.#loading.set(id, work);
    const thread = await work;
    this.#loaded.set(id, thread);
    this.#ports.publisher.publish(threadStatusChanged, {
      threadId: id,
      status: statusOf(thread.state),
    });
    return thread;
  }

  async #unload(thread: LoadedThread): Promise<void> {
    if (thread.active?.running) {
      const announceEnd = await thread.active.interrupt();
      announceEnd();
    }
    this.#loaded.delete(thread.id);
    thread.transition({ kind: "unload" });
    await this.#ports.tools.endThread(thread.id);
    await thread.close();
  }

  async #turnsOf(id: ThreadId, notStored: string): Promise<readonly Turn[]> {
    const thread = this.#loaded.get(id);
    if (!thread) return (await this.#history(id, `thread not loaded: ${id}`)).turns;
    if (!thread.stored) throw invalidRequest(notStored);
    return thread.snapshot();
  }

  #mustHaveTurns(thread: LoadedThread): void {
    if (thread.ephemeral) throw invalidRequest("ephemeral threads do not support includeTurns");
    if (!thread.stored) throw new RpcError("methodNotFound", "list_turns is not supported yet");
  }

  async #history(id: ThreadId, notFound: string): Promise<History> {
    try {
      return await this.#store.load(id);
    } catch (error) {
      throw clientError(error, notFound);
    }
  }

  #mustBeLoaded(id: ThreadId): LoadedThread {
    const thread = this.#loaded.get(id);
    if (!thread) throw invalidRequest(`thread not found: ${id}`);
    return thread;
  }
}

const steered = async (
  active: TurnRunner,
  input: readonly UserInput[],
  clientId: string | null,
): Promise<() => void> => {
  try {
    return await active.steer(input, clientId);
  } catch (error) {
    throw clientError(error, noRollout(active.threadId));
  }
};

function runningTurn(thread: LoadedThread, wish: "steer" | "interrupt"): TurnRunner {
  if (!thread.active?.running) throw invalidRequest(`no active turn to ${wish}`);
  return thread.active;
}
