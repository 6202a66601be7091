/** What must hold of a home after its host was killed. */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { openDatabase } from "../../src/db/database.ts";
import { deferred } from "../../src/util/deferred.ts";
import { isRecord } from "../../src/util/is-record.ts";
import type { KillHomes } from "./kill-host.ts";
import { newFolder } from "./host-process.ts";
import type { KillLedger, KnownThread, KnownTurn } from "./kill-ledger.ts";
import { listOf, textIn } from "./kill-ledger.ts";
import { isFinished } from "./kill-model.ts";
import { KillPeer } from "./kill-peer.ts";
import type { Json } from "./kill-peer.ts";

const isWhole = (line: string): boolean => {
  try {
    return isRecord(JSON.parse(line));
  } catch {
    return false;
  }
};

/** The rollouts below a home's folders, which hold nothing else. */
function rolloutsIn({ codexHome }: KillHomes): readonly string[] {
  return ["sessions", "archived_sessions"].flatMap((name) => {
    const folder = join(codexHome, name);
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  });
}

/** The files whose last line is torn; every other line is whole in every file. */
export function tornRollouts(homes: KillHomes): readonly string[] {
  return rolloutsIn(homes).filter((path) => {
    const lines = readFileSync(path, "utf8").split("\n");
    const tail = lines.pop();
    expect([path, lines.filter((line) => !isWhole(line))]).toEqual([path, []]);
    return tail !== "";
  });
}

/** Leaves the beginning of a line in one of the files, as a write does that was cut off. */
export function tearOne(homes: KillHomes, random: () => number): string | undefined {
  const path = rolloutsIn(homes)[Math.floor(random() * rolloutsIn(homes).length)];
  if (path === undefined) return undefined;
  const text = readFileSync(path, "utf8");
  if (!text.endsWith("\n")) return undefined;
  const line = Buffer.from(`${text.split("\n").at(-2) ?? ""}\u00e4`);
  appendFileSync(path, line.subarray(0, 1 + Math.floor(random() * (line.length - 1))));
  return path;
}

/** Looks at a copy: nobody but the next host mends the original. */
export function checkDatabase({ farhelmHome }: KillHomes): void {
  const copy = newFolder("farhelm-kill-copy-");
  for (const suffix of ["", "-wal"]) {
    const file = join(farhelmHome, `farhelm.sqlite${suffix}`);
    if (existsSync(file)) copyFileSync(file, join(copy, `farhelm.sqlite${suffix}`));
  }
  const database = openDatabase(join(copy, "farhelm.sqlite"));
  expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  database.close();
  rmSync(copy, { recursive: true });
}

/** All threads of one of the two lists. */
export async function listed(
  peer: KillPeer,
  archived: boolean,
): Promise<ReadonlyMap<string, Json>> {
  const found = new Map<string, Json>();
  let cursor: unknown = null;
  do {
    const page = await peer.call("thread/list", { archived, cursor, limit: 50 });
    for (const thread of listOf(page["data"])) found.set(textIn(thread, "id"), thread);
    cursor = page["nextCursor"];
  } while (typeof cursor === "string");
  return found;
}

/** Holds the host to what the ledger knows; then the ledger knows what is. */
export async function checkThreads(peer: KillPeer, ledger: KillLedger): Promise<void> {
  const lists = [await listed(peer, false), await listed(peer, true)];
  for (const thread of ledger.threads.values()) {
    if (!thread.stored && lists.every((list) => !list.has(thread.id))) {
      ledger.threads.delete(thread.id);
      await checkUnused(peer, thread);
    } else await checkThread(peer, ledger, thread, lists);
  }
  const strangers = lists
    .flatMap((list) => [...list.values()])
    .filter((thread) => !ledger.threads.has(textIn(thread, "id")));
  expect(strangers.length).toBeLessThanOrEqual(ledger.unanswered);
  for (const stranger of strangers) {
    const { thread } = await peer.call("thread/read", {
      threadId: stranger["id"],
      includeTurns: true,
    });
    if (!isRecord(thread)) throw new Error("a thread that is listed is read");
    const { name } = stranger;
    const known = ledger.begin(
      textIn(thread, "id"),
      thread["historyMode"] === "legacy",
      typeof name === "string" ? name : null,
    );
    known.stored = true;
    for (const turn of listOf(thread["turns"])) ledger.settle(known, turn);
  }
  ledger.unanswered = 0;
}

/** A thread in which nothing was said is in no list, and can be gone on with by whoever knows it. */
async function checkUnused(peer: KillPeer, { id, names }: KnownThread): Promise<void> {
  const { thread } = await peer.call("thread/resume", { threadId: id });
  const name = isRecord(thread) ? thread["name"] : undefined;
  expect([id, names]).toEqual([id, expect.arrayContaining([name])]);
}

async function checkThread(
  peer: KillPeer,
  ledger: KillLedger,
  thread: KnownThread,
  lists: readonly ReadonlyMap<string, Json>[],
): Promise<void> {
  const { id } = thread;
  const at = lists.findIndex((list) => list.has(id));
  expect([id, thread.deleted]).toEqual([id, expect.arrayContaining([at === -1])]);
  if (at === -1) {
    await expect(peer.call("thread/read", { threadId: id })).rejects.toThrow("-326");
    ledger.threads.delete(id);
    return;
  }
  expect([id, thread.archived]).toEqual([id, expect.arrayContaining([at === 1])]);
  const answer = await peer.call("thread/read", { threadId: id, includeTurns: true });
  const read = isRecord(answer["thread"]) ? answer["thread"] : {};
  const name = typeof read["name"] === "string" ? read["name"] : null;
  expect([id, thread.names]).toEqual([id, expect.arrayContaining([name])]);
  expect(lists[at]?.get(id)?.["name"] ?? null).toBe(name);
  const turns = listOf(read["turns"]);
  checkTurns(thread, turns);
  thread.names = [name];
  thread.archived = [at === 1];
  thread.deleted = [false];
  thread.stored = true;
  thread.mayHaveMore = false;
  for (const turn of turns) ledger.settle(thread, turn);
}

function checkTurns(thread: KnownThread, turns: readonly Json[]): void {
  const known = [...thread.turns.keys()];
  const ids = turns.map((turn) => textIn(turn, "id"));
  expect([thread.id, ids.slice(0, known.length)]).toEqual([thread.id, known]);
  expect(ids.length - known.length).toBeLessThanOrEqual(thread.mayHaveMore ? 1 : 0);
  for (const turn of turns) {
    const before = thread.turns.get(textIn(turn, "id"));
    if (before?.settled !== undefined)
      expect(kept(turn, thread.legacy)).toEqual(kept(before.settled, thread.legacy));
    else checkTurn(turn, before, thread.legacy);
  }
}

const content = ({
  id: _id,
  startedAtMs: _started,
  completedAtMs: _completed,
  ...item
}: Json): Json => item;

/** Of a turn, what its file's form keeps. */
const kept = (turn: Json, legacy: boolean): Json =>
  legacy ? { ...turn, items: listOf(turn["items"]).map(content) } : turn;

/** A turn that went on, or began, while the host was killed or just before. */
function checkTurn(turn: Json, known: KnownTurn | undefined, legacy: boolean): void {
  const items = listOf(turn["items"]);
  const ids = items.map((item) => textIn(item, "id"));
  expect(new Set(ids).size).toBe(ids.length);
  const status = textIn(turn, "status");
  if (known?.status !== undefined) expect([turn["id"], status]).toEqual([turn["id"], known.status]);
  else if (status !== "completed" || !isFinished(turn)) expect(status).toBe("interrupted");
  const sought = [...(known?.items.values() ?? [])];
  if (legacy) expect(items.map(content)).toEqual(expect.arrayContaining(sought.map(content)));
  else expect(items).toEqual(expect.arrayContaining(sought));
  const said = JSON.stringify(items.filter((item) => item["type"] === "userMessage"));
  for (const text of known?.inputs ?? []) expect(said).toContain(JSON.stringify(text));
}

/** Each thread that was at work goes on: it is resumed and a turn of it is completed. */
export async function checkGoesOn(
  url: string,
  token: string,
  ledger: KillLedger,
  threads: readonly KnownThread[],
): Promise<void> {
  const ended = new Map(threads.map(({ id }) => [id, deferred<unknown>()]));
  const peer = await KillPeer.connect(
    url,
    ({ method, params }) => {
      if (method === "turn/completed")
        ended.get(textIn(params, "threadId"))?.resolve(params["turn"]);
    },
    token,
  );
  await Promise.all(
    threads.map(async (thread) => {
      const { id: threadId } = thread;
      const { thread: resumed } = await peer.call("thread/resume", { threadId });
      const shown = isRecord(resumed) ? listOf(resumed["turns"]) : [];
      const settled = [...thread.turns.values()].map((turn) => turn.settled ?? {});
      expect(shown.map((turn) => kept(turn, thread.legacy))).toEqual(
        settled.map((turn) => kept(turn, thread.legacy)),
      );
      await peer.call("turn/start", { threadId, input: [{ type: "text", text: "brief again" }] });
      expect(await ended.get(threadId)?.promise).toMatchObject({ status: "completed" });
      const { thread: read } = await peer.call("thread/read", { threadId, includeTurns: true });
      const turns = isRecord(read) ? listOf(read["turns"]) : [];
      expect(turns.length).toBe(thread.turns.size + 1);
      for (const turn of turns) ledger.settle(thread, turn);
    }),
  );
  peer.drop();
}
