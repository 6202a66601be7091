/** The pages of one thread: its turns, and their items. */
import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { RpcError } from "../protocol/errors.ts";
import { TurnId } from "../protocol/ids.ts";
import { ThreadItemEntry } from "../protocol/item.ts";
import { Turn, TurnItemsView } from "../protocol/turn.ts";
import { pageAnswer, pageParams, pageResult, queryOf } from "./page-params.ts";
import { parseThreadId } from "./thread-id.ts";

const standardPage = 25;

export const turnsPageParams = {
  limit: pageParams.limit,
  sortDirection: pageParams.sortDirection,
  itemsView: TurnItemsView.nullish(),
};

export const TurnsPage = z.object({ data: z.array(Turn), ...pageResult });

/** Which turns a caller wants, the newest first unless it says otherwise. */
export const turnsQueryOf = (
  params: z.output<z.ZodObject<typeof turnsPageParams>> & {
    readonly cursor?: string | null | undefined;
  },
) => ({
  ...queryOf(params, standardPage, "desc"),
  view: params.itemsView ?? ("summary" as const),
});

export const threadTurnsList = method({
  name: "thread/turns/list",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({ ...pageParams, ...turnsPageParams, threadId: z.string() }),
  result: TurnsPage,
  async handle({ threads }, params) {
    const page = await threads.turns(parseThreadId(params.threadId), turnsQueryOf(params));
    return pageAnswer(page);
  },
});

/** Just past an item of the turn that `turnId` names. */
const ItemAnchor = z.looseObject({ type: z.literal("item"), itemId: z.string() });

/** Which outputs of a single turn are left out, to be asked for one by one. */
const OutputDeferral = z.looseObject({
  commandExecution: z.boolean().optional(),
  mcpToolCall: z.boolean().optional(),
});

export const threadItemsList = method({
  name: "thread/items/list",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({
    ...pageParams,
    cursor: z.union([z.string(), ItemAnchor]).nullish(),
    threadId: z.string(),
    turnId: TurnId.nullish(),
    deferOutput: OutputDeferral.nullish(),
  }),
  result: z.object({ data: z.array(ThreadItemEntry), ...pageResult }),
  async handle({ threads }, { cursor, ...params }) {
    const isAnchor = typeof cursor === "object" && cursor !== null;
    if (isAnchor && !params.turnId) {
      throw new RpcError("invalidParams", "turnId is required when cursor is an item anchor");
    }
    const page = await threads.items(parseThreadId(params.threadId), {
      ...queryOf({ ...params, cursor: isAnchor ? null : cursor }, standardPage, "asc"),
      turnId: params.turnId ?? undefined,
      afterItemId: isAnchor ? cursor.itemId : undefined,
      deferOutput: params.turnId
        ? {
            commands: params.deferOutput?.commandExecution ?? false,
            toolCalls: params.deferOutput?.mcpToolCall ?? false,
          }
        : undefined,
    });
    return pageAnswer(page);
  },
});
