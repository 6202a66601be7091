import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { ApprovalGains } from "../protocol/approval-gains.ts";
import { ItemId, RequestId, ThreadId, TurnId } from "../protocol/ids.ts";

/** What waits for people, over all threads in memory; Farhelm's own. Without it a client would have to watch every thread. */
export const approvalInbox = method({
  name: "approval/inbox",
  stability: "experimental",
  role: "approver",
  reach: "open",
  params: z.looseObject({}),
  result: z.object({
    /** Oldest first. */
    data: z.array(
      z.object({
        threadId: ThreadId,
        /** What the thread is called; null without a name. */
        threadName: z.string().nullable(),
        /** Where it works. */
        cwd: z.string(),
        turnId: TurnId,
        itemId: ItemId,
        requestId: RequestId,
        /** The server request, as it is put to those who watch the thread. */
        method: z.string(),
        params: z.unknown(),
        /** What a yes would allow that is not allowed now; absent for tools. */
        gains: ApprovalGains.optional(),
        /** Since when it waits; Unix time in milliseconds. */
        askedAtMs: z.number(),
      }),
    ),
  }),
  handle: ({ session }) => ({
    data: session.inbox().map(({ role: _role, ...request }) => request),
  }),
});
