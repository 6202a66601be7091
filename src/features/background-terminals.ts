import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { loadedThreadId, parseThreadId, threadOrder } from "./thread-id.ts";
import { PageLimit, limitOf } from "./page-params.ts";

const standardPage = 25;

const BackgroundTerminal = z.object({
  itemId: z.string(),
  processId: z.string(),
  command: z.string(),
  cwd: z.string(),
  osPid: z.number().nullable(),
  cpuPercent: z.number().nullable(),
  rssKb: z.number().nullable(),
});

/** What the stock server does not know of a command that it runs itself either. */
const unmeasured = { osPid: null, cpuPercent: null, rssKb: null } as const;

export const backgroundTerminalsList = method({
  name: "thread/backgroundTerminals/list",
  stability: "experimental",
  role: "viewer",
  params: z.looseObject({
    threadId: z.string(),
    cursor: z.string().nullish(),
    limit: PageLimit,
  }),
  result: z.object({ data: z.array(BackgroundTerminal), nextCursor: z.string().nullable() }),
  handle({ threads }, { threadId, cursor, limit }) {
    const id = loadedThreadId(threads, threadId);
    const after = typeof cursor === "string" ? numberOf(cursor, "cursor") : -Infinity;
    const rest = threads.terminals.list(id).filter(({ processId }) => processId > after);
    const data = rest.slice(0, limitOf(limit, standardPage)).map((command) => ({
      itemId: command.itemId,
      processId: String(command.processId),
      command: command.script,
      cwd: command.cwd,
      ...unmeasured,
    }));
    const nextCursor = data.length < rest.length ? (data.at(-1)?.processId ?? null) : null;
    return { data, nextCursor };
  },
});

export const backgroundTerminalsTerminate = method({
  name: "thread/backgroundTerminals/terminate",
  stability: "experimental",
  role: "approver",
  params: z.looseObject({ threadId: z.string(), processId: z.string() }),
  result: z.object({ terminated: z.boolean() }),
  order: threadOrder,
  handle({ threads }, { threadId, processId }) {
    const number = numberOf(processId, "background terminal process id");
    return { terminated: threads.terminals.terminate(parseThreadId(threadId), number) };
  },
});

export const backgroundTerminalsClean = method({
  name: "thread/backgroundTerminals/clean",
  stability: "experimental",
  role: "approver",
  params: z.looseObject({ threadId: z.string() }),
  result: z.object({}),
  order: threadOrder,
  handle({ threads }, { threadId }) {
    threads.terminals.clean(parseThreadId(threadId));
    return {};
  },
});

/** `what` names it in the refusal, whose text clients compare. */
function numberOf(text: string, what: string): number {
  if (/^[+-]?\d{1,9}$/.test(text)) return Number(text);
  const why = text ? "invalid digit found in string" : "cannot parse integer from empty string";
  throw invalidRequest(`invalid ${what}: ${why}`);
}
