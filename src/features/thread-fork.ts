import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { TurnId } from "../protocol/ids.ts";
import { granularPolicy } from "./experimental-params.ts";
import { forkedThread } from "./rollout-path.ts";
import { threadOrder } from "./thread-id.ts";
import {
  overrideOf,
  settingsAnswer,
  threadSettingsParams,
  threadSettingsResult,
} from "./thread-settings.ts";

const forkParams = {
  ...threadSettingsParams,
  threadId: z.string(),
  ephemeral: z.boolean().optional(),
  excludeTurns: z.boolean().optional(),
  threadSource: z.string().nullish(),
  /** Goes on with the settings of the loaded source, for a fork that is thrown away. */
  experimentalPredictionMode: z.boolean().optional(),
  experimentalDisablePredictionMcp: z.boolean().optional(),
  attachToSource: z.boolean().optional(),
  deferGoalContinuation: z.boolean().optional(),
  path: z.string().nullish(),
  /** The last turn that comes along; none named: all. */
  lastTurnId: TurnId.nullish(),
  /** The first turn that does not come along. */
  beforeTurnId: TurnId.nullish(),
};
type ForkParams = z.output<z.ZodObject<typeof forkParams>>;

export const threadFork = method({
  name: "thread/fork",
  stability: "stable",
  role: "operator",
  experimentalParams: [
    "experimentalPredictionMode",
    "experimentalDisablePredictionMcp",
    "beforeTurnId",
    "path",
    "runtimeWorkspaceRoots",
    granularPolicy,
    "permissions",
    "attachToSource",
    "deferGoalContinuation",
  ],
  params: z.looseObject(forkParams),
  result: z.object(threadSettingsResult),
  order: threadOrder,
  async handle(context, params) {
    const { threads, session, afterAnswer } = context;
    const source = await forkedThread(threads, params);
    refuseFork(params);
    const { view, announce } = await threads.fork(source, {
      ...overrideOf(context, params),
      config: params.config ?? {},
      inheritsSettings: params.experimentalPredictionMode ?? false,
      includeTurns: !params.excludeTurns,
      ephemeral: params.ephemeral ?? false,
      threadSource: params.threadSource ?? null,
      originator: session.clientName,
      lastTurnId: params.lastTurnId ?? undefined,
      beforeTurnId: params.beforeTurnId ?? undefined,
    });
    const { id } = view.thread;
    const stream = session.streamFrom(id, view.stream, null);
    afterAnswer(() => {
      // A fork that shows no turns shows nothing of what they cost either.
      session.follow(id, stream, null, params.excludeTurns ? "requests" : "all");
      announce();
    });
    return settingsAnswer(view, stream, session.countsEvents);
  },
});

/** What a fork that goes on with everything of its source cannot have otherwise. */
const overrides = [
  "model",
  "modelProvider",
  "cwd",
  "approvalPolicy",
  "approvalsReviewer",
  "sandbox",
  "permissions",
  "serviceTier",
  "runtimeWorkspaceRoots",
  "baseInstructions",
  "developerInstructions",
] as const;

/** Whether a caller wishes anything of them; of a configuration only when to unload it may be said. */
const isSetUp = (params: ForkParams): boolean =>
  overrides.some((member) => (params[member] ?? undefined) !== undefined) ||
  Object.keys(params.config ?? {}).some((key) => key !== "thread_unload_delay_secs");

/** Wishes that exclude each other, or that this host does not have. */
function refuseFork(params: ForkParams): void {
  const { lastTurnId, beforeTurnId } = params;
  if (typeof lastTurnId === "string" && typeof beforeTurnId === "string") {
    throw invalidRequest("`beforeTurnId` cannot be combined with `lastTurnId`");
  }
  refusePrediction(params);
  refuseAttached(params);
}

function refusePrediction(params: ForkParams): void {
  if (!params.experimentalPredictionMode) {
    if (!params.experimentalDisablePredictionMcp) return;
    throw invalidRequest(
      "`experimentalDisablePredictionMcp` requires `experimentalPredictionMode: true`",
    );
  }
  if (!params.ephemeral) {
    throw invalidRequest("`experimentalPredictionMode` requires `ephemeral: true`");
  }
  const { path, lastTurnId, beforeTurnId } = params;
  if (path || typeof lastTurnId === "string" || typeof beforeTurnId === "string") {
    throw invalidRequest(
      "`experimentalPredictionMode` requires a thread id without a path or turn cutoff",
    );
  }
  if (isSetUp(params)) {
    throw invalidRequest(
      "`experimentalPredictionMode` cannot be combined with configuration overrides",
    );
  }
}

function refuseAttached({ ephemeral, attachToSource, deferGoalContinuation }: ForkParams): void {
  if (!attachToSource) {
    if (!ephemeral || !deferGoalContinuation) return;
    throw invalidRequest("`deferGoalContinuation` cannot be combined with `ephemeral`");
  }
  if (ephemeral || deferGoalContinuation) {
    throw invalidRequest(
      "attachToSource cannot be combined with ephemeral or deferGoalContinuation",
    );
  }
  throw invalidRequest(
    "attached threads are not supported by this host. Fork without attachToSource.",
  );
}
