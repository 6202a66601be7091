import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { ItemId, TurnId } from "../protocol/ids.ts";
import { Thread } from "../protocol/thread.ts";
import { PageLimit, limitOf, pageParams, pageResult, queryOf } from "./page-params.ts";
import { parseThreadId } from "./thread-id.ts";
import { ThreadSourceKind, interactiveKinds } from "./thread-list.ts";

const standardThreads = 25;
const standardPlaces = 50;
/** Places of one thread are small, and a client that marks them wants them all. */
const maxPlaces = 1000;

export const threadSearch = method({
  name: "thread/search",
  stability: "experimental",
  role: "viewer",
  reach: "list",
  params: z.looseObject({
    ...pageParams,
    searchTerm: z.string(),
    sortKey: z.enum(["created_at", "updated_at", "recency_at"]).nullish(),
    sourceKinds: z.array(ThreadSourceKind).nullish(),
    archived: z.boolean().nullish(),
    /** Neither accounts nor attached threads are known here. */
    currentAccountOnly: z.boolean().optional(),
    includeAttachedThreads: z.boolean().optional(),
  }),
  result: z.object({
    data: z.array(z.object({ thread: Thread, snippet: z.string() })),
    ...pageResult,
  }),
  async handle({ threads }, params) {
    const term = params.searchTerm.trim();
    if (!term) throw invalidRequest("thread/search requires a non-empty searchTerm");
    const page = await threads.search.threads({
      ...queryOf(params, standardThreads, "desc"),
      term,
      archived: params.archived ?? false,
      sourceKinds: params.sourceKinds?.length ? params.sourceKinds : interactiveKinds,
      sortKey: params.sortKey ?? "created_at",
    });
    return { ...page, data: [...page.data] };
  },
});

export const threadSearchOccurrences = method({
  name: "thread/searchOccurrences",
  stability: "experimental",
  role: "viewer",
  params: z.looseObject({
    threadId: z.string(),
    searchTerm: z.string(),
    cursor: z.string().nullish(),
    limit: PageLimit,
  }),
  result: z.object({
    data: z.array(
      z.object({
        turnId: TurnId,
        itemId: ItemId,
        snippet: z.string(),
        /** In UTF-16 code units of the snippet. */
        snippetMatchRange: z.object({ start: z.int(), end: z.int() }),
        /** For `thread/turns/list`, at this turn. */
        turnCursor: z.string(),
      }),
    ),
    nextCursor: z.string().nullable(),
  }),
  async handle({ threads }, { threadId, searchTerm: term, cursor, limit }) {
    const id = parseThreadId(threadId);
    if (!term.trim()) {
      throw invalidRequest("thread/searchOccurrences requires a non-empty searchTerm");
    }
    const { data, nextCursor } = await threads.search.occurrences(id, {
      term,
      cursor: cursor ?? undefined,
      limit: limitOf(limit, standardPlaces, maxPlaces),
    });
    return { data: [...data], nextCursor };
  },
});
