import { z } from "zod";
import { ThreadId } from "./ids.ts";

export const GoalStatus = z.enum([
  "active",
  "paused",
  "blocked",
  "usageLimited",
  "budgetLimited",
  "complete",
]);
export type GoalStatus = z.infer<typeof GoalStatus>;

/** What a thread works towards by itself, as clients see it. */
export const ThreadGoal = z.object({
  threadId: ThreadId,
  objective: z.string(),
  status: GoalStatus,
  tokenBudget: z.number().nullable(),
  tokensUsed: z.number(),
  timeUsedSeconds: z.number(),
  /** Unix time in seconds, like the other. */
  createdAt: z.number(),
  updatedAt: z.number(),
});
export type ThreadGoal = z.infer<typeof ThreadGoal>;

/** The same as it is kept. */
export const KeptGoal = z.object({
  objective: z.string(),
  status: GoalStatus,
  tokenBudget: z.number().nullable(),
  tokensUsed: z.number(),
  timeUsedMs: z.number(),
  createdAtMs: z.number(),
  updatedAtMs: z.number(),
  /** The principal who set it last; absent: the agent did, or it is not known. */
  from: z.string().optional(),
});
export type KeptGoal = z.infer<typeof KeptGoal>;
