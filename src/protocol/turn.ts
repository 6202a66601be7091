import { z } from "zod";
import { TurnId } from "./ids.ts";
import { ThreadItem } from "./item.ts";

/** Why a turn failed, in a form that clients switch on. Unknown values pass through. */
export const CodexErrorInfo = z.union([z.string(), z.looseObject({})]);
export type CodexErrorInfo = z.infer<typeof CodexErrorInfo>;

export const TurnError = z.looseObject({
  message: z.string(),
  codexErrorInfo: CodexErrorInfo.nullable(),
  additionalDetails: z.string().nullable(),
  misalignment: z.unknown().nullable(),
});
export type TurnError = z.infer<typeof TurnError>;

export const TurnStatus = z.enum(["completed", "interrupted", "failed", "inProgress"]);
export type TurnStatus = z.infer<typeof TurnStatus>;

/** How much of `items` an answer holds. */
export const TurnItemsView = z.enum(["notLoaded", "summary", "full"]);
export type TurnItemsView = z.infer<typeof TurnItemsView>;

export const Turn = z.looseObject({
  id: TurnId,
  rootTurnId: z.string().nullable(),
  items: z.array(ThreadItem),
  itemsView: TurnItemsView,
  status: TurnStatus,
  error: TurnError.nullable(),
  /** Unix time in seconds. */
  startedAt: z.number().nullable(),
  /** Unix time in seconds. */
  completedAt: z.number().nullable(),
  durationMs: z.number().nullable(),
});
export type Turn = z.infer<typeof Turn>;

const turnBoundary = {
  position: z.int(),
  turn_id: TurnId,
  started_at: z.number().nullable(),
};

/** An item, or where a turn began or ended; the stock server spells the members of the latter this way. */
export const TimelineEntry = z.discriminatedUnion("type", [
  z.object({ type: z.literal("item"), position: z.int(), turnId: TurnId, item: ThreadItem }),
  z.object({ type: z.literal("turnStarted"), ...turnBoundary }),
  z.object({
    type: z.literal("turnCompleted"),
    ...turnBoundary,
    status: TurnStatus,
    error: TurnError.nullable(),
    completed_at: z.number().nullable(),
    duration_ms: z.number().nullable(),
  }),
]);
export type TimelineEntry = z.infer<typeof TimelineEntry>;

const TokenUsageBreakdown = z.object({
  totalTokens: z.number(),
  inputTokens: z.number(),
  cachedInputTokens: z.number(),
  cacheWriteInputTokens: z.number(),
  outputTokens: z.number(),
  reasoningOutputTokens: z.number(),
});
/** Tokens of one model response, or summed over a thread. */
export type TokenUsageBreakdown = z.infer<typeof TokenUsageBreakdown>;

export const ThreadTokenUsage = z.object({
  total: TokenUsageBreakdown,
  last: TokenUsageBreakdown,
  modelContextWindow: z.number().nullable(),
});
export type ThreadTokenUsage = z.infer<typeof ThreadTokenUsage>;
