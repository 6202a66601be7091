import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { TurnId } from "../protocol/ids.ts";
import { parseThreadId, threadOrder } from "./thread-id.ts";
import {
  overrideOf,
  settingsAnswer,
  threadSettingsParams,
  threadSettingsResult,
} from "./thread-settings.ts";

export const threadFork = method({
  name: "thread/fork",
  stability: "stable",
  role: "operator",
  params: z.looseObject({
    ...threadSettingsParams,
    threadId: z.string(),
    ephemeral: z.boolean().nullish(),
    excludeTurns: z.boolean().nullish(),
    threadSource: z.string().nullish(),
    /** The last turn that comes along; none named: all. */
    lastTurnId: TurnId.nullish(),
    /** The first turn that does not come along. */
    beforeTurnId: TurnId.nullish(),
  }),
  result: z.object(threadSettingsResult),
  order: threadOrder,
  async handle(context, params) {
    const { threads, session, afterAnswer } = context;
    const source = parseThreadId(params.threadId, "session");
    if (params.ephemeral && !params.excludeTurns) {
      throw invalidRequest("ephemeral paginated thread/fork requires `excludeTurns: true`");
    }
    if (params.lastTurnId && params.beforeTurnId) {
      throw invalidRequest("`beforeTurnId` cannot be combined with `lastTurnId`");
    }
    const { view, announce } = await threads.fork(source, {
      ...overrideOf(context, params),
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
      session.follow(id, stream, null);
      announce();
    });
    return settingsAnswer(view, stream);
  },
});
