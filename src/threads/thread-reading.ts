import { isAbsolute } from "node:path";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import type { ThreadId, TurnId } from "../protocol/ids.ts";
import type { ThreadItemEntry } from "../protocol/item.ts";
import type { Thread } from "../protocol/thread.ts";
import type { TimelineEntry, Turn } from "../protocol/turn.ts";
import type { History, ThreadStore } from "../store/port.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import { noRollout } from "./loaded-threads.ts";
import type { LoadedThreads } from "./loaded-threads.ts";
import { cursorAfter, pageOf } from "./paging.ts";
import type { ItemsQuery, Page, ThreadListQuery, TurnsQuery } from "./port.ts";
import { sectionNote } from "./sections.ts";
import { prepareTurns } from "./sent-turns.ts";
import { clientError } from "./store-errors.ts";
import { listedThread, storedThread, threadOf } from "./thread-view.ts";
import { timelineKey, timelineOf } from "./timeline.ts";
import { entriesOf, turnsPage, withoutOutput } from "./turn-views.ts";

/** Threads as they are, in memory or stored; nothing here changes one. */
export class ThreadReading {
  readonly #loaded: LoadedThreads;
  readonly #store: ThreadStore;

  constructor(loaded: LoadedThreads, store: ThreadStore) {
    this.#loaded = loaded;
    this.#store = store;
  }

  async read(id: ThreadId, includeTurns: boolean): Promise<Thread> {
    const thread = this.#loaded.get(id);
    if (thread) {
      if (!includeTurns) return threadOf(thread);
      this.#mustHaveTurns(thread);
      await prepareTurns(thread.turns);
      return threadOf(thread, thread.snapshot());
    }
    if (includeTurns) {
      const { record, turns } = await this.#history(id, `thread not loaded: ${id}`);
      await prepareTurns(turns);
      return storedThread(record, turns);
    }
    const record = await this.#store.find(id);
    if (!record) throw invalidRequest(`thread not loaded: ${id}`);
    return storedThread(record);
  }

  /** Whether a turn of the thread holds what somebody said. */
  async isSaid(id: ThreadId, turnId: TurnId): Promise<boolean> {
    const turns = this.#loaded.get(id)?.snapshot() ?? (await this.#storedTurns(id));
    const turn = turns.findLast((each) => each.id === turnId);
    return turn?.items.some(({ type }) => type === "userMessage") ?? false;
  }

  /** The thread may have been deleted since the caller saw it. */
  async #storedTurns(id: ThreadId): Promise<readonly Turn[]> {
    try {
      return (await this.#store.load(id)).turns;
    } catch (error) {
      throw clientError(error, noRollout(id));
    }
  }

  async idAt(path: string, running: ThreadId | undefined): Promise<ThreadId> {
    const active = running && this.#loaded.get(running)?.path;
    try {
      const found = await this.#store.threadAt(path);
      // What a running thread's path is compared with is whole.
      if (!active || (found === running && isAbsolute(path))) return found;
    } catch (error) {
      if (!active) throw clientError(error, "");
    }
    throw invalidRequest(
      `cannot resume running thread ${running} with stale path: requested \`${path}\`, active \`${active}\``,
    );
  }

  async list(query: ThreadListQuery): Promise<Page<Thread>> {
    const { cursor, direction, cwds, modelProviders, sourceKinds, searchTerm, sectionId } = query;
    const { excludedIds, parentId, ancestorId, indexOnly } = query;
    try {
      const page = await this.#store.list({
        archived: query.archived,
        ...(query.sortKey === "section_position"
          ? { sortKey: "note_position", sortDirection: "asc" }
          : { sortKey: query.sortKey, sortDirection: direction }),
        ...(sectionId === undefined ? {} : { noted: { kind: sectionNote.name, label: sectionId } }),
        limit: query.limit,
        ...(cursor === undefined ? {} : { cursor }),
        ...(cwds ? { cwds } : {}),
        ...(modelProviders ? { modelProviders } : {}),
        ...(sourceKinds ? { sources: sourceKinds } : {}),
        ...(searchTerm === undefined ? {} : { searchTerm }),
        ...(parentId === undefined ? {} : { parentId }),
        ...(ancestorId === undefined ? {} : { ancestorId }),
        ...(excludedIds === undefined ? {} : { excludedIds }),
        ...(indexOnly === undefined ? {} : { indexOnly }),
      });
      return {
        ...page,
        data: page.data.map((record) => listedThread(record, this.#loaded.get(record.id))),
      };
    } catch (error) {
      throw clientError(error, "no threads");
    }
  }

  async turns(id: ThreadId, query: TurnsQuery): Promise<Page<Turn>> {
    const turns = await this.#turnsOf(
      id,
      `thread ${id} is not materialized yet; thread/turns/list is unavailable before first user message`,
    );
    return turnsPage(turns, query);
  }

  async items(id: ThreadId, query: ItemsQuery): Promise<Page<ThreadItemEntry>> {
    const thread = this.#loaded.get(id);
    const isKept = thread ? thread.stored && !thread.ephemeral : await this.#store.find(id);
    if (!isKept) {
      throw new RpcError("methodNotFound", "thread/items/list is not supported yet");
    }
    const turns = await this.#turnsOf(id, noRollout(id));
    const { turnId, afterItemId, deferOutput } = query;
    // a cursor may be of a page of all turns
    const isAmongAll = turnId !== undefined && query.cursor !== undefined;
    const entries = entriesOf(turns, isAmongAll ? undefined : turnId);
    if (afterItemId !== undefined && !entries.some(({ item }) => item.id === afterItemId)) {
      throw new RpcError(
        "invalidParams",
        "cursor.itemId does not identify an item in the requested history scope",
      );
    }
    const cursor = afterItemId === undefined ? query.cursor : cursorAfter(afterItemId);
    const page = pageOf(entries, ({ item }) => item.id, {
      ...query,
      cursor,
      ...(isAmongAll ? { counts: (entry: ThreadItemEntry) => entry.turnId === turnId } : {}),
    });
    return deferOutput
      ? { ...page, data: page.data.map((entry) => withoutOutput(entry, deferOutput)) }
      : page;
  }

  async itemsNamed(
    id: ThreadId,
    turnId: TurnId,
    itemIds: readonly string[],
  ): Promise<readonly ThreadItemEntry[]> {
    const wanted: ReadonlySet<string> = new Set(itemIds);
    const turns = await this.#mustBeKept(id, "thread/items/read");
    return entriesOf(turns, turnId).filter(({ item }) => wanted.has(item.id));
  }

  async timeline(
    id: ThreadId,
    query: { readonly cursor: string | undefined; readonly limit: number },
  ): Promise<Pick<Page<TimelineEntry>, "data" | "nextCursor">> {
    const record = this.#loaded.get(id) ? undefined : await this.#store.find(id);
    if (record?.archived) throw invalidRequest(`thread ${id} is archived`);
    const entries = timelineOf(await this.#mustBeKept(id, "thread/timeline/list"));
    const refusal = "invalid thread timeline cursor";
    const page = pageOf(entries, timelineKey, { ...query, direction: "desc" }, refusal);
    return { data: page.data.toReversed(), nextCursor: page.nextCursor };
  }

  /** The turns of a thread that is kept, if anything is. */
  async keptTurns(id: ThreadId): Promise<readonly Turn[] | undefined> {
    const thread = this.#loaded.get(id);
    if (thread) return thread.stored && !thread.ephemeral ? thread.snapshot() : undefined;
    return (await this.#store.find(id)) && (await this.#turnsOf(id, noRollout(id)));
  }

  async #mustBeKept(id: ThreadId, method: string): Promise<readonly Turn[]> {
    const turns = await this.keptTurns(id);
    if (turns === undefined) throw new RpcError("methodNotFound", `${method} is not supported yet`);
    return turns;
  }

  async #turnsOf(id: ThreadId, notStored: string): Promise<readonly Turn[]> {
    const thread = this.#loaded.get(id);
    if (!thread) return (await this.#history(id, `thread not loaded: ${id}`)).turns;
    if (!thread.stored) throw invalidRequest(notStored);
    if (thread.ephemeral) {
      throw invalidRequest("ephemeral threads do not support thread/turns/list");
    }
    return thread.snapshot();
  }

  #mustHaveTurns(thread: LoadedThread): void {
    if (thread.ephemeral) throw invalidRequest("ephemeral threads do not support includeTurns");
    if (thread.stored) return;
    throw thread.meta.historyMode === "paginated"
      ? new RpcError("methodNotFound", "list_turns is not supported yet")
      : invalidRequest(
          `thread ${thread.id} is not materialized yet; includeTurns is unavailable before first user message`,
        );
  }

  async #history(id: ThreadId, notFound: string): Promise<History> {
    try {
      return await this.#store.load(id);
    } catch (error) {
      throw clientError(error, notFound);
    }
  }
}
