import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { TurnId } from "../protocol/ids.ts";
import {
  ApprovalPolicy,
  ReasoningEffort,
  ReasoningSummary,
  SandboxPolicy,
  TurnEnvironment,
} from "../protocol/settings.ts";
import { Turn } from "../protocol/turn.ts";
import { UserInput } from "../protocol/user-input.ts";
import { parseThreadId, threadOrder } from "./thread-id.ts";
import { checkLoosening, environmentsOf } from "./thread-settings.ts";

/** A stock client's collaboration mode; its settings take precedence over the plain members. */
const CollaborationMode = z.looseObject({
  settings: z.looseObject({
    model: z.string().nullish(),
    reasoning_effort: ReasoningEffort.nullish(),
    developer_instructions: z.string().nullish(),
  }),
});

export const turnStart = method({
  name: "turn/start",
  stability: "stable",
  role: "operator",
  params: z.looseObject({
    threadId: z.string(),
    input: z.array(UserInput),
    clientUserMessageId: z.string().nullish(),
    cwd: z.string().nullish(),
    model: z.string().nullish(),
    effort: ReasoningEffort.nullish(),
    summary: ReasoningSummary.nullish(),
    approvalPolicy: ApprovalPolicy.nullish(),
    sandboxPolicy: SandboxPolicy.nullish(),
    environments: z.array(TurnEnvironment).nullish(),
    outputSchema: z.unknown().optional(),
    collaborationMode: CollaborationMode.nullish(),
  }),
  result: z.object({ turn: Turn }),
  order: threadOrder,
  async handle(context, params) {
    const settings = params.collaborationMode?.settings;
    const override = {
      cwd: params.cwd ?? undefined,
      model: settings?.model ?? params.model ?? undefined,
      effort: settings?.reasoning_effort ?? params.effort ?? undefined,
      summary: params.summary ?? undefined,
      approvalPolicy: params.approvalPolicy ?? undefined,
      sandboxPolicy: params.sandboxPolicy ?? undefined,
      environments: environmentsOf(params.environments),
      developerInstructions: settings?.developer_instructions ?? undefined,
    };
    checkLoosening(context, override);
    const { turn, announce } = await context.threads.startTurn(parseThreadId(params.threadId), {
      ...override,
      input: params.input,
      clientId: params.clientUserMessageId ?? null,
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
  params: z.looseObject({
    threadId: z.string(),
    expectedTurnId: TurnId,
    input: z.array(UserInput),
    clientUserMessageId: z.string().nullish(),
  }),
  result: z.object({ turnId: TurnId }),
  order: threadOrder,
  async handle({ threads, afterAnswer }, params) {
    const { turnId, announce } = await threads.steer(
      parseThreadId(params.threadId),
      params.expectedTurnId,
      params.input,
      params.clientUserMessageId ?? null,
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
