/** How a client does each of the acts to a thread. */
import { isRecord } from "../../src/util/is-record.ts";
import { listOf, textIn } from "../helpers/kill-ledger.ts";
import type { Json } from "../helpers/kill-peer.ts";
import type { Deeds } from "./deeds.ts";
import type { Act } from "./plan.ts";
import type { SceneClient } from "./scene-client.ts";

type Doing = (deeds: Deeds, client: SceneClient, threadId: string) => Promise<unknown>;

/** Of every host: it is there from the beginning. */
const pinnedSection = "01984de2-8f74-7c91-a3b2-5c5e937cf318";

const simply =
  (act: Act, method: string, more: (key: string) => Json = () => ({})): Doing =>
  (deeds, client, threadId) => {
    const paramsOf = (key: string): Json => ({ threadId, ...more(key) });
    return deeds.change(client, { act, threadId, method, paramsOf });
  };

const turn = (act: Act): Doing =>
  simply(act, "turn/start", (key) => ({
    clientUserMessageId: key,
    input: [{ type: "text", text: `${act} ${key}` }],
  }));

/** Undefined: not known, or there is none. */
async function readBy(client: SceneClient, method: string, params: Json): Promise<Json> {
  const end = await client.call(method, params, { changes: false });
  return end.kind === "answered" ? end.result : {};
}

async function queued(client: SceneClient, threadId: string): Promise<readonly string[]> {
  const { data } = await readBy(client, "thread/queue/list", { threadId });
  return listOf(data).map((row) => textIn(row, "id"));
}

export const doings: Readonly<Record<Exclude<Act, "start">, Doing>> = {
  watch: (_deeds, client, threadId) => client.watch(threadId),
  leave: (_deeds, client, threadId) => client.leave(threadId),
  read: (_deeds, client, threadId) =>
    readBy(client, "thread/read", { threadId, includeTurns: true }),
  say: turn("say"),
  slow: turn("slow"),
  run: turn("run"),
  patch: turn("patch"),
  long: turn("long"),
  async steer(deeds, client, threadId) {
    const expectedTurnId = client.view.copies.get(threadId)?.activeTurn;
    if (expectedTurnId === undefined) return;
    const more = (key: string): Json => ({
      expectedTurnId,
      clientUserMessageId: key,
      input: [{ type: "text", text: `say ${key}` }],
    });
    await simply("steer", "turn/steer", more)(deeds, client, threadId);
  },
  async interrupt(deeds, client, threadId) {
    const turnId = client.view.copies.get(threadId)?.activeTurn;
    if (turnId === undefined) return;
    await simply("interrupt", "turn/interrupt", () => ({ turnId }))(deeds, client, threadId);
  },
  name: simply("name", "thread/name/set", (name) => ({ name })),
  archive: simply("archive", "thread/archive"),
  unarchive: simply("unarchive", "thread/unarchive"),
  fork(deeds, client, threadId) {
    const paramsOf = (): Json => ({ threadId });
    return deeds.make(client, { act: "fork", threadId, method: "thread/fork", paramsOf });
  },
  async delete(deeds, client, threadId) {
    const deed = simply("delete", "thread/delete")(deeds, client, threadId);
    deeds.deleted.add(threadId);
    await deed;
  },
  queueAdd: simply("queueAdd", "thread/queue/add", (key) => ({
    clientUserMessageId: key,
    input: [{ type: "text", text: `say ${key}` }],
  })),
  async queueDelete(deeds, client, threadId) {
    const queuedSubmissionId = (await queued(client, threadId)).at(-1);
    if (queuedSubmissionId === undefined) return;
    const more = (): Json => ({ queuedSubmissionId });
    await simply("queueDelete", "thread/queue/delete", more)(deeds, client, threadId);
  },
  async queueReorder(deeds, client, threadId) {
    const queuedSubmissionIds = (await queued(client, threadId)).toReversed();
    const more = (): Json => ({ queuedSubmissionIds });
    await simply("queueReorder", "thread/queue/reorder", more)(deeds, client, threadId);
  },
  queueStart: simply("queueStart", "thread/queue/start"),
  /** The last turn that the client shows, and what came after it. */
  async revert(deeds, client, threadId) {
    const beforeTurnId = client.view.copies.get(threadId)?.lastTurn;
    if (beforeTurnId === undefined) return;
    await simply("revert", "thread/revert", () => ({ beforeTurnId }))(deeds, client, threadId);
  },
  rollback: simply("rollback", "thread/rollback", () => ({ numTurns: 1 })),
  goalSet: simply("goalSet", "thread/goal/set", (key) => ({ objective: `see to ${key}` })),
  goalClear: simply("goalClear", "thread/goal/clear"),
  async section(deeds, client, threadId) {
    const isPinned = client.view.copies.get(threadId)?.sectionId === pinnedSection;
    const more = (): Json => ({ sectionId: isPinned ? null : pinnedSection });
    await simply("section", "thread/section/move", more)(deeds, client, threadId);
  },
  async mark(deeds, client, threadId) {
    const { readState } = await readBy(client, "thread/read", { threadId });
    if (!isRecord(readState)) return;
    const { firstUnread, revision: expectedRevision } = readState;
    const operation = { type: firstUnread === null ? "unread" : "read" };
    const more = (): Json => ({ operation, expectedRevision });
    await simply("mark", "thread/readState/update", more)(deeds, client, threadId);
  },
};
