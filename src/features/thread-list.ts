import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { TurnId } from "../protocol/ids.ts";
import { ThreadItemEntry } from "../protocol/item.ts";
import { ReadState } from "../protocol/read-state.ts";
import { Thread } from "../protocol/thread.ts";
import { Turn, TurnItemsView } from "../protocol/turn.ts";
import type { Page } from "../threads/port.ts";
import { parseThreadId } from "./thread-id.ts";

const maxPage = 100;
const pageParams = {
  cursor: z.string().nullish(),
  limit: z.int().min(0).nullish(),
  sortDirection: z.enum(["asc", "desc"]).nullish(),
};
type PageParams = z.output<z.ZodObject<typeof pageParams>>;

/** A limit of zero acts as one; none as `standard`. */
export const limitOf = (limit: number | null | undefined, standard: number): number =>
  Math.min(Math.max(limit ?? standard, 1), maxPage);

const queryOf = (params: PageParams, standard: number, direction: "asc" | "desc") => ({
  cursor: params.cursor ?? undefined,
  limit: limitOf(params.limit, standard),
  direction: params.sortDirection ?? direction,
});

const pageResult = {
  nextCursor: z.string().nullable(),
  /** For the same list in the other direction, beginning with this page's first row. */
  backwardsCursor: z.string().nullable(),
};

const answer = <T>({ data, nextCursor, backwardsCursor }: Page<T>) => ({
  data: [...data],
  nextCursor,
  backwardsCursor,
});

export const threadList = method({
  name: "thread/list",
  stability: "stable",
  role: "viewer",
  reach: "list",
  params: z.looseObject({
    ...pageParams,
    archived: z.boolean().nullish(),
    sortKey: z.enum(["created_at", "updated_at", "recency_at", "section_position"]).nullish(),
    modelProviders: z.array(z.string()).nullish(),
    sourceKinds: z.array(z.string()).nullish(),
    cwd: z.union([z.string(), z.array(z.string())]).nullish(),
    searchTerm: z.string().nullish(),
    sectionId: z.string().nullish(),
  }),
  result: z.object({
    data: z.array(Thread),
    readStates: z.record(z.string(), ReadState).nullable(),
    ...pageResult,
  }),
  async handle({ threads, config, models }, params) {
    const { cwd, sortKey, modelProviders } = params;
    if (sortKey === "section_position" && typeof params.sectionId !== "string") {
      throw invalidRequest("section-position sorting requires a section filter");
    }
    const standard = config.read().modelProvider ?? models.defaults().modelProvider;
    const providers = modelProviders ?? [standard];
    const page = await threads.list({
      ...queryOf(params, 25, "desc"),
      archived: params.archived ?? false,
      cwds: typeof cwd === "string" ? [cwd] : (cwd ?? undefined),
      modelProviders: providers.length > 0 ? providers : undefined,
      sourceKinds: params.sourceKinds?.length ? params.sourceKinds : undefined,
      searchTerm: params.searchTerm || undefined,
      sortKey: sortKey ?? "created_at",
      sectionId: params.sectionId,
    });
    const readStates = await threads.readStates.ofAll(page.data.map(({ id }) => id));
    return { readStates, ...answer(page) };
  },
});

export const threadLoadedList = method({
  name: "thread/loaded/list",
  stability: "stable",
  role: "viewer",
  reach: "list",
  params: z.looseObject({ cursor: z.string().nullish(), limit: z.int().min(0).nullish() }),
  result: z.object({ data: z.array(z.string()), nextCursor: z.string().nullable() }),
  handle({ threads }, { cursor, limit }) {
    const ids: readonly string[] = threads.loaded();
    const start = cursor ? ids.indexOf(cursor) + 1 : 0;
    if (cursor && start === 0) throw invalidRequest(`invalid cursor: ${cursor}`);
    const size = limit === null || limit === undefined ? ids.length : Math.max(limit, 1);
    const data = ids.slice(start, start + size);
    return { data, nextCursor: start + size < ids.length ? (data.at(-1) ?? null) : null };
  },
});

export const threadTurnsList = method({
  name: "thread/turns/list",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({
    ...pageParams,
    threadId: z.string(),
    itemsView: TurnItemsView.nullish(),
  }),
  result: z.object({ data: z.array(Turn), ...pageResult }),
  async handle({ threads }, params) {
    const page = await threads.turns(parseThreadId(params.threadId), {
      ...queryOf(params, 25, "desc"),
      view: params.itemsView ?? "summary",
    });
    return answer(page);
  },
});

export const threadItemsList = method({
  name: "thread/items/list",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({ ...pageParams, threadId: z.string(), turnId: TurnId.nullish() }),
  result: z.object({ data: z.array(ThreadItemEntry), ...pageResult }),
  async handle({ threads }, params) {
    const page = await threads.items(parseThreadId(params.threadId), {
      ...queryOf(params, 25, "asc"),
      turnId: params.turnId ?? undefined,
    });
    return answer(page);
  },
});
