import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import { injectedItem } from "./injected-item.ts";
import { loadedThreadId, parseThreadId, threadOrder } from "./thread-id.ts";
import { turnOverrideOf, turnSettingsParams } from "./turn-settings.ts";

/** The stock server's limit on a person's own command. */
const defaultTimeoutMs = 60 * 60 * 1000;

export const threadSettingsUpdate = method({
  name: "thread/settings/update",
  stability: "experimental",
  role: "operator",
  params: z.looseObject({
    ...turnSettingsParams,
    threadId: z.string(),
  }),
  result: z.object({}),
  order: threadOrder,
  async handle(context, params) {
    const id = loadedThreadId(context.threads, params.threadId);
    const { announce } = await context.threads.updateSettings(id, turnOverrideOf(context, params));
    context.afterAnswer(announce);
    return {};
  },
});

/** Runs outside any sandbox and without a question, hence the role. */
export const threadShellCommand = method({
  name: "thread/shellCommand",
  stability: "stable",
  role: "admin",
  grantedBy: "commands",
  params: z.looseObject({
    threadId: z.string(),
    command: z.string(),
    timeoutMs: z.int().nullish(),
  }),
  result: z.object({}),
  order: threadOrder,
  async handle({ threads, afterAnswer }, params) {
    const script = params.command.trim();
    const timeoutMs = params.timeoutMs ?? defaultTimeoutMs;
    if (timeoutMs < 0) {
      throw new RpcError(
        "invalidParams",
        `thread/shellCommand timeoutMs must be non-negative, got ${timeoutMs}`,
      );
    }
    if (!script) throw invalidRequest("command must not be empty");
    const command = { script, timeoutMs };
    const { announce } = await threads.runShellCommand(parseThreadId(params.threadId), command);
    afterAnswer(announce);
    return {};
  },
});

export const threadCompactStart = method({
  name: "thread/compact/start",
  stability: "stable",
  role: "operator",
  params: z.looseObject({ threadId: z.string() }),
  result: z.object({}),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId }) {
    const { announce } = await threads.compact(parseThreadId(threadId));
    afterAnswer(announce);
    return {};
  },
});

export const threadInjectItems = method({
  name: "thread/inject_items",
  stability: "stable",
  role: "operator",
  params: z.looseObject({ threadId: z.string(), items: z.array(z.unknown()) }),
  result: z.object({}),
  order: threadOrder,
  async handle({ threads }, { threadId, items }) {
    if (items.length === 0) throw invalidRequest("items must not be empty");
    const id = loadedThreadId(threads, threadId);
    await threads.injectItems(id, items.map(injectedItem));
    return {};
  },
});
