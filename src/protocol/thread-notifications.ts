/** What the host tells of threads as wholes. */
import { z } from "zod";
import { notification } from "./define.ts";
import { ThreadGoal } from "./goal.ts";
import { ThreadId, TurnId } from "./ids.ts";
import { ReadState } from "./read-state.ts";
import { ThreadSettings } from "./settings.ts";
import { Thread, ThreadStatus } from "./thread.ts";

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

export const warning = notification({
  name: "warning",
  stability: "stable",
  audience: "thread",
  params: z.object({ threadId: ThreadId.nullable(), message: z.string() }),
});
