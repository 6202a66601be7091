import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { ThreadAttachment } from "../protocol/attachment.ts";
import { RpcError } from "../protocol/errors.ts";
import { parseThreadIdParam, threadOrder } from "./thread-id.ts";
import { PageLimit, limitOf } from "./page-params.ts";

const standardPage = 25;
const maxKeyBytes = 256;
const maxPayloadBytes = 64 * 1024;

const key = { attachmentType: z.string(), identityKey: z.string() };
const page = { cursor: z.string().nullish(), limit: PageLimit };

export const threadAttachmentAdd = method({
  name: "thread/attachment/add",
  stability: "stable",
  role: "operator",
  params: z
    .looseObject({ threadId: z.string(), ...key, payload: z.unknown() })
    .refine((params) => params.payload !== undefined, { error: "missing field `payload`" }),
  result: z.object({ outcome: z.enum(["created", "existing"]), attachment: ThreadAttachment }),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId, payload, ...params }) {
    const id = parseThreadIdParam(threadId);
    const named = keyOf(params);
    if (Buffer.byteLength(JSON.stringify(payload)) > maxPayloadBytes) {
      throw wrongParam(`attachment payload must not exceed ${maxPayloadBytes} bytes`);
    }
    const { attachment, isNew, announce } = await threads.attachments.add(id, {
      ...named,
      payload,
    });
    afterAnswer(announce);
    return { outcome: isNew ? ("created" as const) : ("existing" as const), attachment };
  },
});

export const threadAttachmentList = method({
  name: "thread/attachment/list",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({ threadId: z.string(), ...page }),
  result: z.object({ data: z.array(ThreadAttachment), nextCursor: z.string().nullable() }),
  async handle({ threads }, { threadId, cursor, limit }) {
    const id = parseThreadIdParam(threadId);
    const all = await threads.attachments.list(id);
    const rest = typeof cursor === "string" ? all.slice(placeAfter(id, cursor, all)) : all;
    const data = rest.slice(0, limitOf(limit, standardPage));
    const last = data.at(-1);
    const nextCursor =
      last && data.length < rest.length ? `${id}|${last.createdAt}|${last.id}` : null;
    return { data, nextCursor };
  },
});

export const threadAttachmentRemove = method({
  name: "thread/attachment/remove",
  stability: "stable",
  role: "operator",
  params: z.looseObject({ threadId: z.string(), ...key }),
  result: z.object({}),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId, ...params }) {
    const { announce } = await threads.attachments.remove(
      parseThreadIdParam(threadId),
      keyOf(params),
    );
    afterAnswer(announce);
    return {};
  },
});

const OwnerCursor = z.object({ ...key, archived: z.boolean().nullable(), threadId: z.string() });

export const threadAttachmentOwnerList = method({
  name: "thread/attachmentOwner/list",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({
    ...key,
    /** Left out: all. */
    archived: z.boolean().nullish(),
    ...page,
  }),
  result: z.object({
    data: z.array(z.object({ threadId: z.string(), archived: z.boolean() })),
    nextCursor: z.string().nullable(),
  }),
  async handle({ threads }, { archived = null, cursor, limit, ...params }) {
    const named = keyOf(params);
    const query = { ...named, archived };
    const after = typeof cursor === "string" ? ownerAfter(query, cursor) : "";
    const rest = (await threads.attachments.owners(named)).filter(
      (owner) => owner.threadId > after && (archived ?? owner.archived) === owner.archived,
    );
    const data = rest
      .slice(0, limitOf(limit, standardPage))
      .map((owner) => ({ threadId: owner.threadId, archived: owner.archived }));
    const last = data.at(-1);
    const nextCursor =
      last && data.length < rest.length
        ? JSON.stringify({ ...query, threadId: last.threadId })
        : null;
    return { data, nextCursor };
  },
});

const wrongParam = (message: string): RpcError => new RpcError("invalidParams", message);
const badCursor = (): RpcError => wrongParam("invalid pagination cursor");

function keyOf({ attachmentType, identityKey }: Record<keyof typeof key, string>) {
  const named = { attachmentType, identityKey };
  for (const [member, text] of Object.entries(named)) {
    if (!text.trim()) throw wrongParam(`${member} must not be empty`);
    if (Buffer.byteLength(text) > maxKeyBytes) {
      throw wrongParam(`${member} must not exceed ${maxKeyBytes} bytes`);
    }
  }
  return named;
}

/** Where the page begins; what was removed meanwhile does not move it. */
function placeAfter(threadId: string, cursor: string, all: readonly ThreadAttachment[]): number {
  const [thread, createdAt, id = ""] = cursor.split("|");
  if (thread !== threadId || !/^\d{1,12}$/.test(createdAt ?? "") || !id) throw badCursor();
  const at = all.findIndex(
    (each) =>
      each.createdAt > Number(createdAt) || (each.createdAt === Number(createdAt) && each.id > id),
  );
  return at < 0 ? all.length : at;
}

/** The thread after which a page begins; a cursor is of one question alone. */
function ownerAfter(
  query: { attachmentType: string; identityKey: string; archived: boolean | null },
  cursor: string,
): string {
  const { threadId, ...asked } = readOwnerCursor(cursor);
  if (JSON.stringify(OwnerCursor.omit({ threadId: true }).parse(asked)) !== JSON.stringify(query)) {
    throw badCursor();
  }
  return threadId;
}

function readOwnerCursor(cursor: string): z.output<typeof OwnerCursor> {
  try {
    return OwnerCursor.parse(JSON.parse(cursor));
  } catch {
    throw badCursor();
  }
}
