import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { TurnId } from "../protocol/ids.ts";
import { Turn } from "../protocol/turn.ts";
import { UserInput } from "../protocol/user-input.ts";
import { AdditionalContext, contextOf } from "./additional-context.ts";
import { parseThreadId, threadOrder } from "./thread-id.ts";
import { turnOverrideOf, turnSettingsParams } from "./turn-settings.ts";

export const turnStart = method({
  name: "turn/start",
  stability: "stable",
  role: "operator",
  experimentalParams: ["additionalContext"],
  params: z.looseObject({
    ...turnSettingsParams,
    threadId: z.string(),
    input: z.array(UserInput),
    clientUserMessageId: z.string().nullish(),
    additionalContext: AdditionalContext.nullish(),
    outputSchema: z.unknown().optional(),
  }),
  result: z.object({ turn: Turn }),
  order: threadOrder,
  async handle(context, params) {
    const { turn, announce } = await context.threads.startTurn(parseThreadId(params.threadId), {
      ...turnOverrideOf(context, params),
      input: params.input,
      clientId: params.clientUserMessageId ?? null,
      context: contextOf(params.additionalContext),
      outputSchema: params.outputSchema,
    });
    context.afterAnswer(announce);
    return { turn };
  },
});

export const turnSteer = method({
  name: "turn/steer",
  stability: "stable",
  role: "operator",
  experimentalParams: ["additionalContext"],
  params: z.looseObject({
    threadId: z.string(),
    expectedTurnId: TurnId,
    input: z.array(UserInput),
    clientUserMessageId: z.string().nullish(),
    additionalContext: AdditionalContext.nullish(),
  }),
  result: z.object({ turnId: TurnId }),
  order: threadOrder,
  async handle({ threads, afterAnswer }, params) {
    const { turnId, announce } = await threads.steer(
      parseThreadId(params.threadId),
      params.expectedTurnId,
      params.input,
      params.clientUserMessageId ?? null,
      contextOf(params.additionalContext),
    );
    afterAnswer(announce);
    return { turnId };
  },
});

export const turnInterrupt = method({
  name: "turn/interrupt",
  stability: "stable",
  role: "approver",
  params: z.looseObject({ threadId: z.string(), turnId: TurnId }),
  result: z.object({}),
  async handle({ threads, afterAnswer }, { threadId, turnId }) {
    const { announce } = await threads.interrupt(parseThreadId(threadId), turnId);
    afterAnswer(announce);
    return {};
  },
});
