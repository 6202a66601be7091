/** What the host tells of the requests that it put to clients. */
import { z } from "zod";
import { notification } from "./define.ts";
import { RequestId, ThreadId } from "./ids.ts";

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
