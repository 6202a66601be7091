import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { ReadState } from "../protocol/read-state.ts";
import { parseThreadIdParam, threadOrder } from "./thread-id.ts";

export const threadReadStateUpdate = method({
  name: "thread/readState/update",
  stability: "experimental",
  role: "operator",
  params: z.looseObject({
    threadId: z.string(),
    operation: z.looseObject({ type: z.enum(["read", "unread"]) }),
    /** The revision that the caller saw. */
    expectedRevision: z.string(),
  }),
  result: z.object({ readState: ReadState }),
  order: threadOrder,
  async handle({ threads }, { threadId, operation, expectedRevision }) {
    const id = parseThreadIdParam(threadId);
    return { readState: await threads.readStates.mark(id, operation.type, expectedRevision) };
  },
});
