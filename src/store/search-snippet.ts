/** Searching for messages in any store: the rows of the answer, and a search that reads thread by thread. */
import type { ThreadId } from "../protocol/ids.ts";
import { messageText } from "../protocol/message-text.ts";
import { folded, onOneLine, placesOf, snippetAt } from "../util/folded-text.ts";
import { pageCursors } from "./page-cursor.ts";
import type { FoundThread, SearchPage, SearchQuery, ThreadRecord, ThreadStore } from "./port.ts";

/** The message around the first place of a folded term, on one line. */
export function snippetOf(text: string, term: string): string {
  const [place] = placesOf(text, term);
  return place === undefined ? "" : onOneLine(snippetAt(text, place).text);
}

const members = {
  created_at: "createdAtMs",
  updated_at: "updatedAtMs",
  recency_at: "recencyAtMs",
} as const;

/** How many threads are asked for at a time. */
const threadsAtATime = 100;

/**
 * Looks through the threads in their order until a page is full. `look` finds the first message of a
 * thread in which the folded term stands.
 */
export async function searchInOrder(
  { term, ...query }: SearchQuery,
  list: (query: Omit<SearchQuery, "term">) => ReturnType<ThreadStore["list"]>,
  look: (record: ThreadRecord) => Promise<string | undefined>,
): Promise<SearchPage> {
  const found: FoundThread[] = [];
  let { cursor } = query;
  do {
    const page = await list({
      ...query,
      limit: threadsAtATime,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const record of page.data) {
      const text = await look(record);
      if (text !== undefined) found.push({ record, snippet: snippetOf(text, folded(term)) });
      if (found.length > query.limit) break;
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && found.length <= query.limit);
  const sorted = found.map(({ record }) => ({
    id: record.id,
    sortedByMs: record[members[query.sortKey]],
  }));
  return { data: found.slice(0, query.limit), ...pageCursors(sorted, query) };
}

/** For stores that keep no index of what was said. `among`: the threads in which it may stand. */
export function searchByReading(
  store: Pick<ThreadStore, "list" | "load">,
  query: SearchQuery,
  among?: ReadonlySet<ThreadId>,
): Promise<SearchPage> {
  const term = folded(query.term);
  return searchInOrder(
    query,
    (threads) => store.list(threads),
    async ({ id }) => {
      if (among?.has(id) === false) return undefined;
      return (await store.load(id)).turns
        .flatMap(({ items }) => items)
        .map((item) => messageText(item)?.join("\n"))
        .find((said) => said !== undefined && placesOf(said, term).length > 0);
    },
  );
}
