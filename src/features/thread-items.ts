/** A thread's items, by their ids or with all that happened around them. */
import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { TurnId } from "../protocol/ids.ts";
import { ThreadItemEntry } from "../protocol/item.ts";
import { TimelineEntry } from "../protocol/turn.ts";
import { PageLimit, limitOf } from "./page-params.ts";
import { parseThreadId } from "./thread-id.ts";

const maxItems = 100;

export const threadItemsRead = method({
  name: "thread/items/read",
  stability: "experimental",
  role: "viewer",
  params: z.looseObject({
    threadId: z.string(),
    turnId: TurnId,
    itemIds: z.array(z.string()),
  }),
  result: z.object({ data: z.array(ThreadItemEntry) }),
  async handle({ threads }, { threadId, turnId, itemIds }) {
    const id = parseThreadId(threadId);
    if (itemIds.length === 0 || itemIds.length > maxItems) {
      throw invalidRequest(`itemIds must contain 1 to ${maxItems} IDs`);
    }
    return { data: [...(await threads.itemsNamed(id, turnId, itemIds))] };
  },
});

const standardPage = 25;

export const threadTimelineList = method({
  name: "thread/timeline/list",
  stability: "experimental",
  role: "viewer",
  params: z.looseObject({
    threadId: z.string(),
    cursor: z.string().nullish(),
    limit: PageLimit,
  }),
  result: z.object({
    /** Oldest first. */
    data: z.array(TimelineEntry),
    /** For the page before this one. */
    nextCursor: z.string().nullable(),
    activeRealtimeSessionAtPageStart: z.string().nullable(),
  }),
  async handle({ threads }, { threadId, cursor, limit }) {
    const { data, nextCursor } = await threads.timeline(parseThreadId(threadId), {
      cursor: cursor ?? undefined,
      limit: limitOf(limit, standardPage),
    });
    return { data: [...data], nextCursor, activeRealtimeSessionAtPageStart: null };
  },
});
