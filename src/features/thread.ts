import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { DynamicTool } from "../protocol/dynamic-tools.ts";
import { ReadState } from "../protocol/read-state.ts";
import { TurnEnvironment } from "../protocol/settings.ts";
import { Since } from "../protocol/stream.ts";
import { Thread } from "../protocol/thread.ts";
import { checkDynamicTools } from "./dynamic-tools.ts";
import { parseThreadId, threadOrder } from "./thread-id.ts";
import {
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
  experimentalParams: ["dynamicTools", "mockExperimentalField", "experimentalRawEvents"],
  params: z.looseObject({
    ...threadSettingsParams,
    ephemeral: z.boolean().nullish(),
    historyMode: z.enum(["legacy", "paginated"]).nullish(),
    threadSource: z.string().nullish(),
    environments: z.array(TurnEnvironment).nullish(),
    dynamicTools: z.array(DynamicTool).nullish(),
  }),
  result: z.object(threadSettingsResult),
  async handle(context, params) {
    const { threads, session, afterAnswer } = context;
    const dynamicTools = params.dynamicTools ?? [];
    checkDynamicTools(dynamicTools);
    const { view, announce } = await threads.start({
      ...overrideOf(context, params),
      environments: environmentsOf(params.environments),
      ephemeral: params.ephemeral ?? false,
      historyMode: params.historyMode ?? undefined,
      threadSource: params.threadSource ?? null,
      originator: session.clientName,
      config: params.config ?? {},
      ...(dynamicTools.length > 0 ? { dynamicTools } : {}),
    });
    const { id } = view.thread;
    const stream = session.streamFrom(id, view.stream, null);
    afterAnswer(() => {
      session.follow(id, stream, null);
      announce();
    });
    return settingsAnswer(view, stream);
  },
});

export const threadResume = method({
  name: "thread/resume",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({
    ...threadSettingsParams,
    threadId: z.string(),
    excludeTurns: z.boolean().nullish(),
    /** Farhelm's own: where the caller was, to be given what it missed. */
    since: Since.nullish(),
  }),
  result: z.object({
    ...threadSettingsResult,
    collaborationMode: z.unknown().nullable(),
    initialTurnsPage: z.unknown().nullable(),
    turnsBackwardsCursor: z.string().nullable(),
    itemsBackwardsCursor: z.string().nullable(),
  }),
  order: threadOrder,
  async handle(context, params) {
    const { threads, session, afterAnswer } = context;
    const id = parseThreadId(params.threadId, "session");
    const view = await threads.resume(id, {
      ...overrideOf(context, params),
      includeTurns: !params.excludeTurns,
    });
    const stream = session.streamFrom(id, view.stream, params.since);
    afterAnswer(() => {
      session.follow(id, stream, params.since);
      threads.queue.advance(id);
    });
    return {
      ...settingsAnswer(view, stream),
      collaborationMode: null,
      initialTurnsPage: null,
      turnsBackwardsCursor: view.turnsBackwardsCursor,
      itemsBackwardsCursor: view.itemsBackwardsCursor,
    };
  },
});

export const threadRead = method({
  name: "thread/read",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({ threadId: z.string(), includeTurns: z.boolean().nullish() }),
  result: z.object({ thread: Thread, readState: ReadState.nullable() }),
  async handle({ threads }, { threadId, includeTurns }) {
    const id = parseThreadId(threadId);
    const thread = await threads.read(id, includeTurns ?? false);
    return { thread, readState: await threads.readStates.of(id) };
  },
});

export const threadNameSet = method({
  name: "thread/name/set",
  stability: "stable",
  role: "operator",
  params: z.looseObject({ threadId: z.string(), name: z.string().max(1_000) }),
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
