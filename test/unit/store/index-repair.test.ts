import { mkdir, mkdtemp, rename, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "../../../src/db/database.ts";
import type { Database } from "../../../src/db/database.ts";
import { createLocalStore } from "../../../src/store/local/local-store.ts";
import type { ThreadQuery, ThreadStore } from "../../../src/store/port.ts";

const query: ThreadQuery = {
  archived: false,
  sortKey: "created_at",
  sortDirection: "asc",
  limit: 100,
};

let home: string;
let database: Database;
let store: ThreadStore;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "farhelm-repair-"));
  database = openDatabase(join(home, "farhelm.sqlite"));
  const log = { warn: () => undefined, error: () => undefined };
  store = createLocalStore({ codexHome: home, database, log });
});

afterEach(async () => {
  await store.close();
  database.close();
  await rm(home, { recursive: true });
});

const previews = async (more: Partial<ThreadQuery> = {}): Promise<readonly string[]> =>
  (await store.list({ ...query, ...more })).data.map(({ preview }) => preview);

/** What another program writes: one thread of this number, with what a person said in it. */
async function write(count: number, said: string, day = "2026/01/02"): Promise<string> {
  const id = `019a0000-0000-7000-8000-${String(count).padStart(12, "0")}`;
  const at = `${day.replaceAll("/", "-")}T00:00:${String(count).padStart(2, "0")}`;
  const path = join(home, "sessions", day, `rollout-${at.replaceAll(":", "-")}-${id}.jsonl`);
  const head = { id, timestamp: `${at}Z`, cwd: "/w", originator: "o", source: "cli" };
  const lines = [
    { timestamp: `${at}Z`, type: "session_meta", payload: head },
    { timestamp: `${at}Z`, type: "event_msg", payload: { type: "user_message", message: said } },
  ];
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return path;
}

const move = async (path: string, folder: string): Promise<void> => {
  await mkdir(join(home, folder), { recursive: true });
  await rename(path, join(home, folder, basename(path)));
};

test("files that come, go and move behind the store's back are seen by the next list", async () => {
  const one = await write(1, "one");
  expect(await previews()).toEqual(["one"]);
  const two = await write(2, "two");
  expect(await previews()).toEqual(["one", "two"]);
  await write(3, "three", "2026/02/03");
  expect(await previews()).toEqual(["one", "two", "three"]);
  await unlink(one);
  expect(await previews()).toEqual(["two", "three"]);
  await move(two, "sessions/2024/05/06");
  expect(await previews()).toEqual(["two", "three"]);
  const four = await write(4, "four", "2024/05/06");
  expect(await previews()).toEqual(["four", "two", "three"]);
  await move(four, "archived_sessions");
  expect(await previews()).toEqual(["two", "three"]);
  expect(await previews({ archived: true })).toEqual(["four"]);
});

test("a file that is written anew is read anew", async () => {
  await write(1, "", "2026/01/02");
  await write(2, "two");
  expect(await previews()).toEqual(["two"]);
  await write(1, "said at last");
  expect(await previews()).toEqual(["said at last", "two"]);
});

test("many files at once are seen, too", async () => {
  await write(0, "0");
  expect(await previews()).toEqual(["0"]);
  const said = Array.from({ length: 50 }, (_, count) => String(count));
  for (const text of said) await write(Number(text), text);
  expect(await previews()).toEqual(said);
});

test("the index alone answers as it is", async () => {
  await write(1, "one");
  expect(await previews()).toEqual(["one"]);
  await write(2, "two");
  expect(await previews({ indexOnly: true })).toEqual(["one"]);
  expect(await previews()).toEqual(["one", "two"]);
  expect(await previews({ indexOnly: true })).toEqual(["one", "two"]);
});
