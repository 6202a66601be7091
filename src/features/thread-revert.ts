import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { TurnId } from "../protocol/ids.ts";
import { Thread } from "../protocol/thread.ts";
import { parseThreadId, threadOrder } from "./thread-id.ts";

export const threadRevert = method({
  name: "thread/revert",
  stability: "stable",
  role: "operator",
  params: z.looseObject({
    threadId: z.string(),
    /** The first turn that goes; all after it go too. */
    beforeTurnId: TurnId,
  }),
  result: z.object({
    /** Without turns. */
    thread: Thread,
    turnsBackwardsCursor: z.string().nullable(),
    itemsBackwardsCursor: z.string().nullable(),
  }),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId, beforeTurnId }) {
    const id = parseThreadId(threadId);
    const { view, announce } = await threads.reverting.revert(id, beforeTurnId);
    afterAnswer(announce);
    const { thread, turnsBackwardsCursor, itemsBackwardsCursor } = view;
    return { thread, turnsBackwardsCursor, itemsBackwardsCursor };
  },
});

const maxTurns = 0xffff_ffff;

/** Of generation 0.128; `thread/revert` came in its place. */
export const threadRollback = method({
  name: "thread/rollback",
  stability: "stable",
  role: "operator",
  params: z.looseObject({
    threadId: z.string(),
    /** How many turns go, counted from the last one. */
    numTurns: z.int().min(0).max(maxTurns),
  }),
  result: z.object({ thread: Thread }),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId, numTurns }) {
    const id = parseThreadId(threadId);
    if (numTurns === 0) throw invalidRequest("numTurns must be >= 1");
    const { thread, announce } = await threads.reverting.rollback(id, numTurns);
    afterAnswer(announce);
    return { thread };
  },
});
