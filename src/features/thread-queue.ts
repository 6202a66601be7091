import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import type { QueuedMessage } from "../protocol/queued-message.ts";
import { Turn } from "../protocol/turn.ts";
import { UserInput } from "../protocol/user-input.ts";
import { parseThreadId, threadOrder } from "./thread-id.ts";
import { PageLimit, limitOf } from "./page-params.ts";

const ClientMetadata = z.record(z.string(), z.string());

/** A message that waits for its thread to be free. */
const QueuedSubmission = z.object({
  id: z.string(),
  input: z.array(UserInput),
  clientUserMessageId: z.string(),
  responsesapiClientMetadata: ClientMetadata.nullable(),
});

const shown = ({ id, input, clientId, clientMetadata }: QueuedMessage) => ({
  id,
  input: [...input],
  clientUserMessageId: clientId,
  responsesapiClientMetadata: clientMetadata && { ...clientMetadata },
});

const standardPage = 25;

export const threadQueueAdd = method({
  name: "thread/queue/add",
  stability: "experimental",
  role: "operator",
  params: z.looseObject({
    threadId: z.string(),
    input: z.array(UserInput),
    clientUserMessageId: z.string(),
    responsesapiClientMetadata: ClientMetadata.nullish(),
  }),
  result: z.object({ queuedSubmission: QueuedSubmission }),
  order: threadOrder,
  async handle({ threads, principal, afterAnswer }, params) {
    const { message, announce } = await threads.queue.add(parseThreadId(params.threadId), {
      input: params.input,
      clientId: params.clientUserMessageId,
      clientMetadata: params.responsesapiClientMetadata ?? null,
      from: principal.id,
    });
    afterAnswer(announce);
    return { queuedSubmission: shown(message) };
  },
});

export const threadQueueList = method({
  name: "thread/queue/list",
  stability: "experimental",
  role: "viewer",
  params: z.looseObject({
    threadId: z.string(),
    cursor: z.string().nullish(),
    limit: PageLimit,
  }),
  result: z.object({ data: z.array(QueuedSubmission), nextCursor: z.string().nullable() }),
  async handle({ threads }, { threadId, cursor, limit }) {
    const { data, nextCursor } = await threads.queue.list(parseThreadId(threadId), {
      cursor: offsetOf(cursor ?? "0"),
      limit: limitOf(limit, standardPage),
    });
    return { data: data.map(shown), nextCursor: nextCursor === null ? null : String(nextCursor) };
  },
});

export const threadQueueUpdate = method({
  name: "thread/queue/update",
  stability: "experimental",
  role: "operator",
  params: z.looseObject({
    threadId: z.string(),
    queuedSubmissionId: z.string(),
    input: z.array(UserInput),
    responsesapiClientMetadata: ClientMetadata.nullish(),
  }),
  result: z.object({ queuedSubmission: QueuedSubmission }),
  order: threadOrder,
  async handle({ threads, principal, afterAnswer }, params) {
    const metadata = params.responsesapiClientMetadata ?? {};
    const { message, announce } = await threads.queue.update(
      parseThreadId(params.threadId),
      params.queuedSubmissionId,
      {
        input: params.input,
        clientMetadata: Object.keys(metadata).length > 0 ? metadata : null,
        from: principal.id,
      },
    );
    afterAnswer(announce);
    return { queuedSubmission: shown(message) };
  },
});

export const threadQueueDelete = method({
  name: "thread/queue/delete",
  stability: "experimental",
  role: "operator",
  params: z.looseObject({ threadId: z.string(), queuedSubmissionId: z.string() }),
  result: z.object({ deleted: z.boolean() }),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId, queuedSubmissionId }) {
    const { deleted, announce } = await threads.queue.delete(
      parseThreadId(threadId),
      queuedSubmissionId,
    );
    afterAnswer(announce);
    return { deleted };
  },
});

export const threadQueueReorder = method({
  name: "thread/queue/reorder",
  stability: "experimental",
  role: "operator",
  params: z.looseObject({ threadId: z.string(), queuedSubmissionIds: z.array(z.string()) }),
  result: z.object({}),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId, queuedSubmissionIds }) {
    const { announce } = await threads.queue.reorder(parseThreadId(threadId), queuedSubmissionIds);
    afterAnswer(announce);
    return {};
  },
});

export const threadQueueStart = method({
  name: "thread/queue/start",
  stability: "experimental",
  role: "operator",
  params: z.looseObject({ threadId: z.string(), queuedSubmissionId: z.string().nullish() }),
  result: z.object({ turn: Turn }),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId, queuedSubmissionId }) {
    const { turn, announce } = await threads.queue.start(
      parseThreadId(threadId),
      queuedSubmissionId ?? undefined,
    );
    afterAnswer(announce);
    return { turn };
  },
});

function offsetOf(cursor: string): number {
  if (/^\d{1,9}$/.test(cursor)) return Number(cursor);
  const why = cursor ? "invalid digit found in string" : "cannot parse integer from empty string";
  throw invalidRequest(`invalid queue pagination cursor: ${why}`);
}
