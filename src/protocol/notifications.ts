import { z } from "zod";
import { notification } from "./define.ts";
import { ThreadGoal } from "./goal.ts";
import { ItemId, RequestId, ThreadId, TurnId } from "./ids.ts";
import { Pairing } from "./pairing.ts";
import { ThreadItem } from "./item.ts";
import { ReadState } from "./read-state.ts";
import { ThreadSettings } from "./settings.ts";
import { Thread, ThreadStatus } from "./thread.ts";
import { ThreadTokenUsage, Turn, TurnError } from "./turn.ts";

const inTurn = { threadId: ThreadId, turnId: TurnId };
const inItem = { ...inTurn, itemId: ItemId };

export const threadStarted = notification({
  name: "thread/started",
  stability: "stable",
  audience: "all",
  params: z.object({ thread: Thread }),
});

export const threadStatusChanged = notification({
  name: "thread/status/changed",
  stability: "stable",
  audience: "all",
  params: z.object({ threadId: ThreadId, status: ThreadStatus }),
});

export const threadArchived = notification({
  name: "thread/archived",
  stability: "stable",
  audience: "all",
  params: z.object({ threadId: ThreadId }),
});

export const threadReverted = notification({
  name: "thread/reverted",
  stability: "stable",
  audience: "all",
  params: z.object({ threadId: ThreadId }),
});

export const threadDeleted = notification({
  name: "thread/deleted",
  stability: "stable",
  audience: "all",
  params: z.object({ threadId: ThreadId }),
});

export const threadUnarchived = notification({
  name: "thread/unarchived",
  stability: "stable",
  audience: "all",
  params: z.object({ threadId: ThreadId }),
});

export const threadClosed = notification({
  name: "thread/closed",
  stability: "stable",
  audience: "all",
  params: z.object({ threadId: ThreadId }),
});

export const threadNameUpdated = notification({
  name: "thread/name/updated",
  stability: "stable",
  audience: "all",
  params: z.object({ threadId: ThreadId, threadName: z.string().nullable() }),
});

/** The settings for turns to come changed, by a client or with a turn. */
export const threadSettingsUpdated = notification({
  name: "thread/settings/updated",
  stability: "stable",
  audience: "thread",
  params: z.object({ threadId: ThreadId, threadSettings: ThreadSettings }),
});

/** A thread's goal, its status or what it cost changed. */
export const threadGoalUpdated = notification({
  name: "thread/goal/updated",
  stability: "stable",
  audience: "all",
  params: z.object({ threadId: ThreadId, turnId: TurnId.nullable(), goal: ThreadGoal }),
});

/** A thread has no goal (any more). */
export const threadGoalCleared = notification({
  name: "thread/goal/cleared",
  stability: "stable",
  audience: "all",
  params: z.object({ threadId: ThreadId }),
});

/** Where a thread stands in the sections changed. */
export const threadSectionChanged = notification({
  name: "thread/section/changed",
  stability: "stable",
  audience: "all",
  params: z.object({ threadId: ThreadId, sectionId: z.string().nullable() }),
});

/** Something was attached to a thread, or taken away from it. */
export const threadAttachmentUpdated = notification({
  name: "thread/attachment/updated",
  stability: "stable",
  audience: "all",
  params: z.object({
    threadId: ThreadId,
    attachmentType: z.string(),
    identityKey: z.string(),
    attachmentId: z.string(),
    operation: z.enum(["created", "deleted"]),
  }),
});

/** Something in the thread is unread, or all is read. */
export const threadReadStateChanged = notification({
  name: "thread/readState/changed",
  stability: "experimental",
  audience: "thread",
  params: z.object({ threadId: ThreadId, readState: ReadState }),
});

/** The messages that wait for the thread changed; `thread/queue/list` tells them. */
export const threadQueueChanged = notification({
  name: "thread/queue/changed",
  stability: "stable",
  audience: "thread",
  params: z.object({ threadId: ThreadId }),
});

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

export const itemStarted = notification({
  name: "item/started",
  stability: "stable",
  audience: "thread",
  params: z.object({ item: ThreadItem, ...inTurn, startedAtMs: z.number() }),
});

export const itemCompleted = notification({
  name: "item/completed",
  stability: "stable",
  audience: "thread",
  params: z.object({
    item: ThreadItem,
    ...inTurn,
    contentTokenCount: z.number().nullable(),
    completedAtMs: z.number(),
  }),
});

export const agentMessageDelta = notification({
  name: "item/agentMessage/delta",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inItem, delta: z.string() }),
});

export const reasoningSummaryTextDelta = notification({
  name: "item/reasoning/summaryTextDelta",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inItem, delta: z.string(), summaryIndex: z.number() }),
});

export const reasoningSummaryPartAdded = notification({
  name: "item/reasoning/summaryPartAdded",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inItem, summaryIndex: z.number() }),
});

export const reasoningTextDelta = notification({
  name: "item/reasoning/textDelta",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inItem, delta: z.string(), contentIndex: z.number() }),
});

export const commandOutputDelta = notification({
  name: "item/commandExecution/outputDelta",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inItem, delta: z.string() }),
});

/** What the agent typed into a running command. */
export const terminalInteraction = notification({
  name: "item/commandExecution/terminalInteraction",
  stability: "stable",
  audience: "thread",
  params: z.object({ ...inItem, processId: z.string(), stdin: z.string() }),
});

/** Output of a `command/exec` of this connection. `capReached`: the stream's last piece, cut by `outputBytesCap`. */
export const commandExecOutputDelta = notification({
  name: "command/exec/outputDelta",
  stability: "stable",
  audience: "one",
  params: z.object({
    processId: z.string(),
    stream: z.enum(["stdout", "stderr"]),
    deltaBase64: z.string(),
    capReached: z.boolean(),
  }),
});

/** Whose answer counted, and what it said; `decision` null: it was no decision. */
export const CountedAnswer = z.object({
  by: z.object({ id: z.string(), name: z.string() }),
  decision: z.string().nullable(),
});
export type CountedAnswer = z.infer<typeof CountedAnswer>;

export const serverRequestResolved = notification({
  name: "serverRequest/resolved",
  stability: "stable",
  audience: "thread",
  params: z.object({
    threadId: ThreadId,
    requestId: RequestId,
    /** Absent: nobody's, the turn ended first. */
    answer: CountedAnswer.optional(),
  }),
});

/** What waits for answers in this thread changed; `approval/inbox` tells it. For those alone who called that. */
export const approvalInboxChanged = notification({
  name: "approval/inbox/changed",
  stability: "experimental",
  audience: "all",
  role: "approver",
  params: z.object({ threadId: ThreadId }),
});

/**
 * This connection's answer to a server request did not count, and the question stays open: it lacks a
 * signature that the host asks for, or the signature does not hold.
 */
export const approvalRefused = notification({
  name: "farhelm/approval/refused",
  stability: "experimental",
  audience: "one",
  params: z.object({
    threadId: ThreadId,
    requestId: RequestId,
    code: z.string(),
    message: z.string(),
    nextStep: z.string(),
  }),
});

/** The turn met an error. With `willRetry` it goes on by itself. */
export const turnErrored = notification({
  name: "error",
  stability: "stable",
  audience: "thread",
  params: z.object({ error: TurnError, willRetry: z.boolean(), ...inTurn }),
});

export const warning = notification({
  name: "warning",
  stability: "stable",
  audience: "thread",
  params: z.object({ threadId: ThreadId.nullable(), message: z.string() }),
});

export const configWarning = notification({
  name: "configWarning",
  stability: "stable",
  audience: "one",
  params: z.looseObject({ summary: z.string(), details: z.string().nullable() }),
});

export const remoteControlStatusChanged = notification({
  name: "remoteControl/status/changed",
  stability: "stable",
  audience: "one",
  params: z.object({
    status: z.enum(["disabled", "connecting", "connected", "errored"]),
    serverName: z.string(),
    installationId: z.string(),
    environmentId: z.string().nullable(),
  }),
});

/** Access was taken away from somebody: how often that happened on this host, for devices to keep. */
export const accessGeneration = notification({
  name: "farhelm/access/generation",
  stability: "experimental",
  audience: "all",
  params: z.object({
    accessGeneration: z.int(),
    /** A JWT of the host about the number. */
    generationStatement: z.string(),
  }),
});

/** A pairing changed: somebody came with its link, waits to be confirmed, or is done. */
export const pairChanged = notification({
  name: "farhelm/pair/changed",
  stability: "experimental",
  audience: "all",
  role: "admin",
  params: z.object({ pairing: Pairing }),
});

/** The access of this connection, or its role, ends soon by itself. */
export const accessEnding = notification({
  name: "farhelm/access/ending",
  stability: "experimental",
  audience: "one",
  params: z.object({
    /** `role`: a weaker one comes after it; the connection is closed with 4003, and the client comes back. */
    what: z.enum(["access", "role"]),
    /** Unix time in milliseconds. */
    endsAtMs: z.number(),
    /** The same, counted from now: clocks differ. */
    endsInMs: z.number(),
  }),
});

/** The host lives, and the way to here is open. For those alone who asked for it in `initialize`. */
export const heartbeat = notification({
  name: "farhelm/heartbeat",
  stability: "experimental",
  audience: "one",
  params: z.object({
    /** How long it takes to the next one. */
    intervalMs: z.int(),
  }),
});

/** Everything that the server may push. A client switches on the method's name. */
export const notifications = [
  threadStarted,
  threadStatusChanged,
  threadArchived,
  threadReverted,
  threadDeleted,
  threadUnarchived,
  threadClosed,
  threadNameUpdated,
  threadSettingsUpdated,
  threadGoalUpdated,
  threadGoalCleared,
  threadSectionChanged,
  threadAttachmentUpdated,
  threadReadStateChanged,
  threadQueueChanged,
  threadTokenUsageUpdated,
  turnStarted,
  turnCompleted,
  turnDiffUpdated,
  turnPlanUpdated,
  itemStarted,
  itemCompleted,
  agentMessageDelta,
  reasoningSummaryTextDelta,
  reasoningSummaryPartAdded,
  reasoningTextDelta,
  commandOutputDelta,
  terminalInteraction,
  commandExecOutputDelta,
  serverRequestResolved,
  approvalInboxChanged,
  approvalRefused,
  turnErrored,
  warning,
  configWarning,
  remoteControlStatusChanged,
  accessGeneration,
  pairChanged,
  accessEnding,
  heartbeat,
] as const;
