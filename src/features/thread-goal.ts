import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { GoalStatus, ThreadGoal } from "../protocol/goal.ts";
import { parseThreadId, threadOrder } from "./thread-id.ts";

/** Read by nobody here: what a client does counts as a person's wish. */
const Origin = z.enum(["user", "automatic"]).nullish();

export const threadGoalSet = method({
  name: "thread/goal/set",
  stability: "stable",
  role: "operator",
  params: z.looseObject({
    threadId: z.string(),
    origin: Origin,
    /** Another one is another goal. */
    objective: z.string().nullish(),
    status: GoalStatus.nullish(),
    /** Left out: as it was. Null: none. */
    tokenBudget: z.int().nullish(),
  }),
  result: z.object({ goal: ThreadGoal }),
  order: threadOrder,
  async handle({ threads, principal, afterAnswer }, { threadId, ...change }) {
    const { goal, announce } = await threads.goals.set(
      parseThreadId(threadId),
      {
        objective: change.objective ?? undefined,
        status: change.status ?? undefined,
        tokenBudget: change.tokenBudget,
      },
      principal.id,
    );
    afterAnswer(announce);
    return { goal };
  },
});

export const threadGoalGet = method({
  name: "thread/goal/get",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({ threadId: z.string() }),
  result: z.object({ goal: ThreadGoal.nullable() }),
  handle: async ({ threads }, { threadId }) => ({
    goal: await threads.goals.get(parseThreadId(threadId)),
  }),
});

export const threadGoalClear = method({
  name: "thread/goal/clear",
  stability: "stable",
  role: "operator",
  params: z.looseObject({ threadId: z.string(), origin: Origin }),
  result: z.object({ cleared: z.boolean() }),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId }) {
    const { cleared, announce } = await threads.goals.clear(parseThreadId(threadId));
    afterAnswer(announce);
    return { cleared };
  },
});
