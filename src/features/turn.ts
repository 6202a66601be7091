import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { TurnId } from "../protocol/ids.ts";
import { AbsolutePath } from "../protocol/settings.ts";
import { Turn } from "../protocol/turn.ts";
import { UserInput } from "../protocol/user-input.ts";
import { AdditionalContext, contextOf } from "./additional-context.ts";
import { granularPolicy } from "./experimental-params.ts";
import { loadedThreadId, parseThreadId, threadOrder } from "./thread-id.ts";
import { turnOverrideOf, turnSettingsParams } from "./turn-settings.ts";

/** What the vendor's service is told with a turn's requests. This host sends it nowhere. */
const requestMetadata = ["responsesapiClientMetadata", "responsesapiClientMetadataPatch"] as const;
const RequestMetadata = z.record(z.string(), z.string()).nullish();
const metadataParams = {
  responsesapiClientMetadata: RequestMetadata,
  responsesapiClientMetadataPatch: RequestMetadata,
};

/** Members of turn/start that are checked and have no effect: there is nothing here that they choose. */
const unusedParams = {
  turnTrigger: z.string().nullish(),
  parentTurnId: z.string().nullish(),
  rootTurnId: z.string().nullish(),
  runtimeWorkspaceRoots: z.array(AbsolutePath).nullish(),
  cyberAccessProgram: z.enum(["standard", "daybreakBlue", "daybreakRed"]).nullish(),
  toolOutput: z.looseObject({ name: z.string(), output: z.unknown() }).nullish(),
};

export const turnStart = method({
  name: "turn/start",
  stability: "stable",
  role: "operator",
  experimentalParams: [
    ...requestMetadata,
    "additionalContext",
    "environments",
    "runtimeWorkspaceRoots",
    granularPolicy,
    "permissions",
    "collaborationMode",
    "multiAgentMode",
    "cyberAccessProgram",
  ],
  params: z.looseObject({
    ...turnSettingsParams,
    ...unusedParams,
    ...metadataParams,
    threadId: z.string(),
    serviceTierForTurn: z.string().nullish(),
    input: z.array(UserInput),
    clientUserMessageId: z.string().nullish(),
    additionalContext: AdditionalContext.nullish(),
    outputSchema: z.unknown().optional(),
  }),
  result: z.object({ turn: Turn }),
  order: threadOrder,
  async handle(context, params) {
    const id = loadedThreadId(context.threads, params.threadId);
    const { turn, announce } = await context.threads.startTurn(id, {
      ...turnOverrideOf(context, params),
      input: params.input,
      clientId: params.clientUserMessageId ?? null,
      context: contextOf(params.additionalContext),
      outputSchema: params.outputSchema,
      serviceTier: params.serviceTierForTurn ?? undefined,
    });
    context.afterAnswer(announce);
    return { turn };
  },
});

export const turnSteer = method({
  name: "turn/steer",
  stability: "stable",
  role: "operator",
  experimentalParams: [...requestMetadata, "additionalContext"],
  params: z.looseObject({
    ...metadataParams,
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
