import { RpcError, invalidRequest } from "../protocol/errors.ts";
import type { ItemId, ThreadId, TurnId } from "../protocol/ids.ts";
import { messageText } from "../protocol/message-text.ts";
import type { Turn } from "../protocol/turn.ts";
import type { ThreadStore } from "../store/port.ts";
import { folded, placesOf, snippetAt } from "../util/folded-text.ts";
import type { LoadedThreads } from "./loaded-threads.ts";
import { cursorAtRow } from "./paging.ts";
import type { Page } from "./port.ts";
import type { FoundPlace, FoundThreadView, SearchQuery, ThreadSearch } from "./search-port.ts";
import { clientError } from "./store-errors.ts";
import { listedThread } from "./thread-view.ts";

export interface SearchPorts {
  readonly loaded: LoadedThreads;
  readonly store: ThreadStore;
  /** All turns of a thread as people see them; undefined where it has none that could be searched. */
  readonly turnsOf: (id: ThreadId) => Promise<readonly Turn[] | undefined>;
}

interface Place {
  readonly turnId: TurnId;
  readonly itemId: ItemId;
  /** Which of the item's places. */
  readonly index: number;
}

/** What was said, found again: in which threads, and where in one. */
export class ThreadSearching implements ThreadSearch {
  readonly #ports: SearchPorts;

  constructor(ports: SearchPorts) {
    this.#ports = ports;
  }

  async threads(query: SearchQuery): Promise<Page<FoundThreadView>> {
    const { store, loaded } = this.#ports;
    const { term, cursor, limit, direction, archived, sortKey, sourceKinds } = query;
    try {
      const page = await store.search({
        term,
        archived,
        sortKey,
        sortDirection: direction,
        limit,
        ...(cursor === undefined ? {} : { cursor }),
        ...(sourceKinds ? { sources: sourceKinds } : {}),
      });
      const data = page.data.map(({ record, snippet }) => ({
        thread: listedThread(record, loaded.get(record.id)),
        snippet,
      }));
      return { ...page, data };
    } catch (error) {
      throw clientError(error, "no threads");
    }
  }

  async occurrences(
    id: ThreadId,
    {
      term,
      cursor,
      limit,
    }: { readonly term: string; readonly cursor: string | undefined; readonly limit: number },
  ): Promise<{ readonly data: readonly FoundPlace[]; readonly nextCursor: string | null }> {
    const turns = await this.#ports.turnsOf(id);
    if (turns === undefined) {
      throw new RpcError("methodNotFound", "thread/searchOccurrences is not supported yet");
    }
    const data: FoundPlace[] = [];
    let begun = cursor === undefined;
    for (const { place, found } of placesIn(turns, folded(term))) {
      begun ||= cursorAt(id, term, place) === cursor;
      if (!begun) continue;
      if (data.length === limit) return { data, nextCursor: cursorAt(id, term, place) };
      data.push(found);
    }
    if (!begun) throw invalidRequest(`invalid cursor: ${cursor}`);
    return { data, nextCursor: null };
  }
}

function* placesIn(
  turns: readonly Turn[],
  term: string,
): Generator<{ readonly place: Place; readonly found: FoundPlace }> {
  for (const turn of turns) {
    for (const item of turn.items) {
      const text = messageText(item)?.join("");
      if (text === undefined) continue;
      for (const [index, range] of placesOf(text, term).entries()) {
        const { text: snippet, range: snippetMatchRange } = snippetAt(text, range);
        const ids = { turnId: turn.id, itemId: item.id };
        const found = { ...ids, snippet, snippetMatchRange, turnCursor: cursorAtRow(turn.id) };
        yield { place: { ...ids, index }, found };
      }
    }
  }
}

/** Names the place itself, so it holds while the thread grows, and the search, for which alone it counts. */
const cursorAt = (id: ThreadId, term: string, { turnId, itemId, index }: Place): string =>
  Buffer.from(JSON.stringify([id, term, turnId, itemId, index])).toString("base64url");
