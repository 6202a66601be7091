import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import { ThreadSection } from "../protocol/section.ts";
import { parseThreadId, threadOrder } from "./thread-id.ts";
import { PageLimit, limitOf } from "./page-params.ts";

const standardPage = 25;
const maxAppearanceBytes = 64;

const Appearance = z.looseObject({ icon: z.string().nullish(), color: z.string().nullish() });

export const threadSectionList = method({
  name: "threadSection/list",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({ cursor: z.string().nullish(), limit: PageLimit }),
  result: z.object({ data: z.array(ThreadSection), nextCursor: z.string().nullable() }),
  handle: ({ threads }, { cursor, limit }) =>
    threads.sections.list({ after: cursor ?? "", limit: limitOf(limit, standardPage) }),
});

export const threadSectionCreate = method({
  name: "threadSection/create",
  stability: "stable",
  role: "operator",
  params: z.looseObject({ name: z.string(), appearance: Appearance.nullish() }),
  result: z.object({ section: ThreadSection }),
  async handle({ threads }, { name, appearance }) {
    const section = await threads.sections.create({
      name: nameOf(name),
      appearance: appearanceOf(appearance),
    });
    return { section };
  },
});

export const threadSectionUpdate = method({
  name: "threadSection/update",
  stability: "stable",
  role: "operator",
  params: z.looseObject({
    sectionId: z.string(),
    name: z.string(),
    /** Left out: as it is. Null: taken away. */
    appearance: Appearance.nullish(),
  }),
  result: z.object({ section: ThreadSection }),
  async handle({ threads }, { sectionId, name, appearance }) {
    const section = await threads.sections.update(sectionIdOf(sectionId), {
      name: nameOf(name),
      appearance: appearanceOf(appearance),
    });
    return { section };
  },
});

export const threadSectionDelete = method({
  name: "threadSection/delete",
  stability: "stable",
  role: "operator",
  params: z.looseObject({ sectionId: z.string() }),
  result: z.object({}),
  async handle({ threads }, { sectionId }) {
    await threads.sections.delete(sectionIdOf(sectionId));
    return {};
  },
});

export const threadSectionMove = method({
  name: "thread/section/move",
  stability: "stable",
  role: "operator",
  params: z.looseObject({
    threadId: z.string(),
    /** Null: out of its section. */
    sectionId: z.string().nullable(),
    /** Left out: behind all others. */
    beforeThreadId: z.string().nullish(),
  }),
  result: z.object({}),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId, sectionId, beforeThreadId }) {
    const id = parseThreadId(threadId);
    const before =
      typeof beforeThreadId === "string"
        ? parseThreadId(beforeThreadId, "before thread")
        : undefined;
    if (sectionId?.trim() === "") throw invalidRequest("sectionId must not be empty");
    const { announce } = await threads.sections.move(id, sectionId, before);
    afterAnswer(announce);
    return {};
  },
});

const wrongParam = (message: string): RpcError => new RpcError("invalidParams", message);

function nameOf(text: string): string {
  const name = text.trim();
  if (!name) throw wrongParam("section name must not be empty");
  return name;
}

function sectionIdOf(id: string): string {
  if (!id.trim()) throw wrongParam("sectionId must not be empty");
  return id;
}

function appearanceOf(given: z.output<typeof Appearance> | null | undefined) {
  if (!given) return given;
  const { icon = null, color = null } = given;
  for (const [member, text] of Object.entries({ icon, color })) {
    if (text !== null && Buffer.byteLength(text) > maxAppearanceBytes) {
      throw wrongParam(`section appearance ${member} must not exceed ${maxAppearanceBytes} bytes`);
    }
  }
  return { icon, color };
}
