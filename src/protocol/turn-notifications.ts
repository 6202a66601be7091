/** What the host tells of turns. */
import { z } from "zod";
import { notification } from "./define.ts";
import { ThreadId, TurnId } from "./ids.ts";
import { ThreadTokenUsage, Turn, TurnError } from "./turn.ts";

/** The thread and the turn that something belongs to. */
export const inTurn = { threadId: ThreadId, turnId: TurnId };

export const threadTokenUsageUpdated = notification({
  name: "thread/tokenUsage/updated",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inTurn, tokenUsage: ThreadTokenUsage }),
});

export const turnStarted = notification({
  name: "turn/started",
  stability: "stable",
  audience: "thread",
  params: z.object({ threadId: ThreadId, turn: Turn }),
});

export const turnCompleted = notification({
  name: "turn/completed",
  stability: "stable",
  audience: "thread",
  params: z.object({ threadId: ThreadId, turn: Turn }),
});

/** The unified diff of everything that the turn changed so far. */
export const turnDiffUpdated = notification({
  name: "turn/diff/updated",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inTurn, diff: z.string() }),
});

export const turnPlanUpdated = notification({
  name: "turn/plan/updated",
  stability: "stable",
  audience: "thread",
  params: z.object({
    ...inTurn,
    explanation: z.string().nullable(),
    plan: z.array(
      z.object({ step: z.string(), status: z.enum(["pending", "inProgress", "completed"]) }),
    ),
  }),
});

/** The turn met an error. With `willRetry` it goes on by itself. */
export const turnErrored = notification({
  name: "error",
  stability: "stable",
  audience: "thread",
  params: z.object({ error: TurnError, willRetry: z.boolean(), ...inTurn }),
});
