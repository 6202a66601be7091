import { z } from "zod";
import type { Context } from "../dispatch/context.ts";
import { method } from "../dispatch/define.ts";
import { DynamicTool } from "../protocol/dynamic-tools.ts";
import { invalidRequest } from "../protocol/errors.ts";
import type { ThreadId } from "../protocol/ids.ts";
import { mayAct } from "../protocol/principal.ts";
import { configWarning } from "../protocol/connection-notifications.ts";
import { ReadState, hasReader } from "../protocol/read-state.ts";
import { ThreadSettings, TurnEnvironment } from "../protocol/settings.ts";
import { Since } from "../protocol/stream.ts";
import { Thread } from "../protocol/thread.ts";
import type { ResumeOptions } from "../threads/port.ts";
import { checkDynamicTools } from "./dynamic-tools.ts";
import { evenFalse, granularPolicy } from "./experimental-params.ts";
import { pageAnswer } from "./page-params.ts";
import { refuseTwo } from "./permission-profile.ts";
import { TurnsPage, turnsPageParams, turnsQueryOf } from "./thread-pages.ts";
import { resumedThread } from "./rollout-path.ts";
import { checkFolder } from "./folder-check.ts";
import { trustByStart } from "./project-trust.ts";
import { parseThreadId, threadOrder } from "./thread-id.ts";
import {
  MultiAgentMode,
  choosesModel,
  environmentsOf,
  overrideOf,
  settingsAnswer,
  threadSettingsParams,
  threadSettingsResult,
} from "./thread-settings.ts";

export const threadStart = method({
  name: "thread/start",
  stability: "stable",
  role: "operator",
  reach: "start",
  experimentalParams: [
    "allowProviderModelFallback",
    "runtimeWorkspaceRoots",
    granularPolicy,
    "permissions",
    "multiAgentMode",
    "historyMode",
    "projectId",
    evenFalse("daybreakEnabled"),
    "environments",
    "dynamicTools",
    "selectedCapabilityRoots",
    "mockExperimentalField",
    "experimentalRawEvents",
  ],
  params: z.looseObject({
    ...threadSettingsParams,
    ephemeral: z.boolean().nullish(),
    historyMode: z.enum(["legacy", "paginated"]).nullish(),
    threadSource: z.string().nullish(),
    sessionStartSource: z.enum(["startup", "clear"]).nullish(),
    multiAgentMode: MultiAgentMode.nullish(),
    serviceName: z.string().nullish(),
    projectId: z.string().nullish(),
    daybreakEnabled: z.boolean().nullish(),
    environments: z.array(TurnEnvironment).nullish(),
    dynamicTools: z.array(DynamicTool).nullish(),
  }),
  result: z.object(threadSettingsResult),
  async handle(context, params) {
    const { threads, session, afterAnswer } = context;
    const dynamicTools = params.dynamicTools ?? [];
    refuseStart(params);
    checkDynamicTools(dynamicTools);
    const override = overrideOf(context, params);
    const untold = await trustByStart(context, {
      cwd: params.cwd,
      config: params.config ?? {},
      profile: override.permissions?.profile,
    });
    const environments = environmentsOf(params.environments);
    for (const { cwd } of environments ?? [])
      checkFolder(context, cwd, override.permissions?.profile);
    const { view, announce } = await threads.start({
      ...override,
      environments,
      ephemeral: params.ephemeral ?? false,
      historyMode: params.historyMode ?? undefined,
      threadSource: params.threadSource ?? null,
      originator: session.clientName,
      config: params.config ?? {},
      daybreakEnabled: params.daybreakEnabled ?? null,
      ...(dynamicTools.length > 0 ? { dynamicTools } : {}),
    });
    const { id } = view.thread;
    const { notices } = context.config.read(params.config ?? {}, view.cwd);
    const warnings = untold === undefined ? notices : [untold, ...notices];
    const stream = session.streamFrom(id, view.stream, null);
    afterAnswer(() => {
      session.follow(id, stream, null);
      announce();
      for (const summary of warnings) session.tell(configWarning, { summary, details: null });
    });
    return settingsAnswer(view, stream, session.countsEvents);
  },
});

/** Projects are the vendor's; the other choice is kept with a thread, which an ephemeral one is not. */
function refuseStart(params: {
  readonly projectId?: string | null | undefined;
  readonly daybreakEnabled?: boolean | null | undefined;
  readonly ephemeral?: boolean | null | undefined;
}): void {
  const { projectId, daybreakEnabled, ephemeral } = params;
  if (projectId === "") throw invalidRequest("projectId must not be empty");
  if (projectId) throw invalidRequest(`project not found: ${projectId}`);
  if (typeof daybreakEnabled === "boolean" && ephemeral) {
    throw invalidRequest("daybreakEnabled is not supported for ephemeral threads");
  }
}

export const threadResume = method({
  name: "thread/resume",
  stability: "stable",
  role: "viewer",
  experimentalParams: [
    "history",
    "path",
    "runtimeWorkspaceRoots",
    granularPolicy,
    "permissions",
    "initialTurnsPage",
  ],
  params: z.looseObject({
    ...threadSettingsParams,
    threadId: z.string(),
    /** Of its rollout; then `threadId` is not read, unless it is a thread in memory. */
    path: z.string().nullish(),
    excludeTurns: z.boolean().optional(),
    /** Farhelm's own: where the caller was, to be given what it missed. */
    since: Since.nullish(),
    /** A first page of turns, as thread/turns/list gives it. */
    initialTurnsPage: z.looseObject(turnsPageParams).nullish(),
    history: z.array(z.looseObject({ type: z.string() })).nullish(),
  }),
  result: z.object({
    ...threadSettingsResult,
    collaborationMode: ThreadSettings.shape.collaborationMode.nullable(),
    initialTurnsPage: TurnsPage.nullable(),
    turnsBackwardsCursor: z.string().nullable(),
    itemsBackwardsCursor: z.string().nullable(),
  }),
  order: threadOrder,
  async handle(context, params) {
    const { threads, session, afterAnswer } = context;
    if (params.history) {
      const named = parseThreadId(params.threadId, "session");
      refuseHistory(named, params.history, threads.isLoaded(named));
    }
    const id = await resumedThread(threads, params);
    const { announce, ...view } = await threads.resume(id, {
      ...resumeOverrideOf(context, params, threads.isLoaded(id)),
      includeTurns: !params.excludeTurns,
      initialTurns: params.initialTurnsPage ? turnsQueryOf(params.initialTurnsPage) : undefined,
      // its work costs, and changes files
      wakesGoal: mayAct(context.principal.role, "operator"),
      comesBack: (params.since ?? undefined) !== undefined,
    });
    const stream = session.streamFrom(id, view.stream, params.since);
    afterAnswer(() => {
      // Who asks for no turns is not told what they cost either.
      session.follow(id, stream, params.since, params.excludeTurns ? "state" : "all");
      announce();
      threads.queue.advance(id);
      threads.goals.advance(id);
    });
    return {
      ...settingsAnswer(view, stream, session.countsEvents || Boolean(params.since)),
      collaborationMode: view.collaborationMode,
      initialTurnsPage: view.initialTurnsPage && pageAnswer(view.initialTurnsPage),
      turnsBackwardsCursor: view.turnsBackwardsCursor,
      itemsBackwardsCursor: view.itemsBackwardsCursor,
    };
  },
});

/** A thread in memory keeps its settings; only what can never be right is refused. */
function resumeOverrideOf(
  context: Context,
  params: Parameters<typeof overrideOf>[1],
  isLoaded: boolean,
): Omit<ResumeOptions, "includeTurns"> {
  refuseTwo(params);
  if (isLoaded || !mayAct(context.principal.role, "operator")) {
    return { config: {}, choosesModel: false };
  }
  return {
    ...overrideOf(context, params),
    config: params.config ?? {},
    choosesModel: choosesModel(params),
  };
}

/** A thread is resumed from where it is stored. */
function refuseHistory(id: ThreadId, history: readonly unknown[], isLoaded: boolean): never {
  if (isLoaded) {
    throw invalidRequest(`cannot resume thread ${id} with history while it is already running`);
  }
  if (history.length === 0) throw invalidRequest("history must not be empty");
  throw invalidRequest(
    "thread/resume with `history` is not supported by this host. Start a thread and give it the items with thread/inject_items.",
  );
}

export const threadRead = method({
  name: "thread/read",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({ threadId: z.string(), includeTurns: z.boolean().optional() }),
  result: z.object({ thread: Thread, readState: ReadState.nullable() }),
  async handle({ threads }, { threadId, includeTurns }) {
    const id = parseThreadId(threadId);
    const thread = await threads.read(id, includeTurns ?? false);
    return { thread, readState: hasReader(thread) ? await threads.readStates.of(id) : null };
  },
});

/** A name stands in every list. */
const maxNameChars = 10_000;

export const threadNameSet = method({
  name: "thread/name/set",
  stability: "stable",
  role: "operator",
  params: z.looseObject({ threadId: z.string(), name: z.string().max(maxNameChars) }),
  result: z.object({}),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId, name }) {
    const { announce } = await threads.rename(parseThreadId(threadId), name);
    afterAnswer(announce);
    return {};
  },
});

export const threadArchive = method({
  name: "thread/archive",
  stability: "stable",
  role: "operator",
  params: z.looseObject({ threadId: z.string() }),
  result: z.object({}),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId }) {
    const { announce } = await threads.archive(parseThreadId(threadId, "session"));
    afterAnswer(announce);
    return {};
  },
});

export const threadUnarchive = method({
  name: "thread/unarchive",
  stability: "stable",
  role: "operator",
  params: z.looseObject({ threadId: z.string() }),
  result: z.object({ thread: Thread }),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId }) {
    const { thread, announce } = await threads.unarchive(parseThreadId(threadId, "session"));
    afterAnswer(announce);
    return { thread };
  },
});

export const threadUnsubscribe = method({
  name: "thread/unsubscribe",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({ threadId: z.string() }),
  result: z.object({ status: z.enum(["notLoaded", "notSubscribed", "unsubscribed"]) }),
  handle({ threads, session }, { threadId }) {
    const id = parseThreadId(threadId);
    const was = session.unsubscribe(id);
    if (!threads.isLoaded(id)) return { status: "notLoaded" as const };
    return { status: was ? ("unsubscribed" as const) : ("notSubscribed" as const) };
  },
});
