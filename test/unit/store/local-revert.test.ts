import { appendFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ThreadId } from "../../../src/protocol/ids.ts";
import type { ThreadStore } from "../../../src/store/port.ts";
import { uuidV7 } from "../../../src/util/uuid-v7.ts";
import { metaOf, refusal, threadIn, turnOf } from "../../contract/thread-events.ts";
import { all, linesOf, LocalHome } from "./local-home.ts";

const home = new LocalHome();

async function threeTurns(store: ThreadStore, historyMode: "paginated" | "legacy" = "paginated") {
  const { id, turnIds } = await threadIn(store, { historyMode }, "one", "two", "three");
  const [first, second] = turnIds;
  const path = (await store.find(id))?.path;
  if (!first || !second || !path) throw new Error("three turns were written");
  return { id, first, second, path };
}

const answersOf = async (store: ThreadStore, id: ThreadId) =>
  (await store.load(id)).turns.map(({ items }) => Object(items.at(-1))["text"]);

const rollouts = async () =>
  (await readdir(home.folder, { recursive: true }))
    .filter((name) => name.endsWith(".jsonl"))
    .map((name) => basename(name));

/** As the stock server does it: a file that leans on the first one up to a turn. */
async function leanFile(id: ThreadId, path: string, turnId: string): Promise<string> {
  const text = await readFile(path, "utf8");
  const lines = text.split("\n");
  const cut = lines.findIndex((line) => line.includes("task_started") && line.includes(turnId));
  const first = JSON.parse(lines[0] ?? "");
  const base = {
    thread_id: id,
    end_ordinal_exclusive: cut,
    end_byte_offset: Buffer.byteLength(`${lines.slice(0, cut).join("\n")}\n`),
  };
  const timestamp = "2027-01-01T00:00:00.000Z";
  const payload = { ...first.payload, timestamp, history_base: base };
  const further = path.replace(/\.jsonl$/, `_${uuidV7()}.jsonl`);
  await writeFile(further, `${JSON.stringify({ ...first, ordinal: cut, payload })}\n`);
  return further;
}

describe("turns that were taken back", () => {
  test("of a paginated thread are in no file that is read, and the file before stays as it was", async () => {
    const store = home.open();
    const { id, second, path } = await threeTurns(store);
    const before = await readFile(path, "utf8");
    const record = await store.revert(id, second);
    expect(await readFile(path, "utf8")).toBe(before);
    expect(basename(record.path ?? "")).toMatch(new RegExp(`-${id}_[0-9a-f-]{36}\\.jsonl$`));
    const kept = await linesOf(record.path ?? "");
    expect(before.startsWith(`${kept.join("\n")}\n`)).toBe(true);
    const writer = await store.open(id);
    await writer.append(turnOf("four"));
    await writer.close();
    const ordinals = (await linesOf(record.path ?? "")).map((line) => JSON.parse(line).ordinal);
    expect(ordinals).toEqual(ordinals.map((_, index) => index));
  });

  test("of a legacy thread are followed by a line that says so", async () => {
    const store = home.open();
    const { id, second, path } = await threeTurns(store, "legacy");
    expect((await store.revert(id, second)).path).toBe(path);
    expect(JSON.parse((await linesOf(path)).at(-1) ?? "")).toMatchObject({
      type: "event_msg",
      payload: { type: "thread_rolled_back", num_turns: 2 },
    });
  });

  test.each(["paginated", "legacy"] as const)(
    "stay away after a restart without an index (%s)",
    async (historyMode) => {
      const first = home.open();
      const { id, second } = await threeTurns(first, historyMode);
      await first.revert(id, second);
      await first.close();
      home.database.exec("DELETE FROM store_threads");
      const store = home.open();
      expect((await store.list(all)).data.map((row) => [row.id, row.preview])).toEqual([
        [id, "one"],
      ]);
      expect(await answersOf(store, id)).toEqual(["answer to one"]);
    },
  );

  test("go with the thread: archived, taken back and deleted, all its files are in one place", async () => {
    const store = home.open();
    const { id, first, second } = await threeTurns(store);
    await store.revert(id, second);
    await store.revert(id, first);
    const names = await rollouts();
    expect(names).toHaveLength(3);
    await store.setArchived(id, true);
    expect(await readdir(join(home.folder, "archived_sessions"))).toEqual(names.toSorted());
    await store.setArchived(id, false);
    expect(await readdir(join(home.folder, "archived_sessions"))).toEqual([]);
    await store.delete(id);
    expect(await rollouts()).toEqual([]);
  });

  test("keep the thread while a fork leans on a file before", async () => {
    const store = home.open();
    const { id, second } = await threeTurns(store);
    const fork = metaOf({});
    await (await store.fork(id, fork)).close();
    await store.revert(id, second);
    expect(await refusal(store.delete(id))).toBe("busy");
    expect(await answersOf(store, fork.id)).toHaveLength(3);
    await store.delete(fork.id);
    await store.delete(id);
    expect(await rollouts()).toEqual([]);
  });
});

describe("turns that the stock server took back", () => {
  test("are seen by who opens the thread, though the index knows the file before", async () => {
    const store = home.open();
    const { id, second, path } = await threeTurns(store);
    const { createdAtMs } = (await store.load(id)).record;
    await store.setGitInfo(id, { sha: "abc", branch: "topic", originUrl: null });
    const further = await leanFile(id, path, second);
    const writer = await store.open(id);
    await writer.append(turnOf("four"));
    await writer.close();
    expect(await answersOf(store, id)).toEqual(["answer to one", "answer to four"]);
    expect((await linesOf(further)).length).toBeGreaterThan(1);
    expect(await store.find(id)).toMatchObject({
      path: further,
      preview: "one",
      createdAtMs,
      gitInfo: { branch: "topic" },
    });
  });

  test("are seen by a list of an unknown history, once, and can be gone behind", async () => {
    const first = home.open();
    const { id, second, path } = await threeTurns(first);
    await first.close();
    await leanFile(id, path, second);
    home.database.exec("DELETE FROM store_threads");
    const store = home.open();
    expect((await store.list(all)).data.map((row) => [row.id, row.preview])).toEqual([[id, "one"]]);
    expect(await answersOf(store, id)).toEqual(["answer to one"]);
    const found = {
      archived: false,
      sortKey: "created_at",
      sortDirection: "desc",
      limit: 9,
    } as const;
    expect((await store.search({ ...found, term: "to one" })).data).toHaveLength(1);
    expect((await store.search({ ...found, term: "to two" })).data).toEqual([]);
    const [turn] = (await store.load(id)).turns;
    if (turn === undefined) throw new Error("one turn is left");
    await store.revert(id, turn.id);
    expect((await store.load(id)).turns).toEqual([]);
    const writer = await store.open(id);
    await writer.append(turnOf("five"));
    await writer.close();
    expect(await answersOf(store, id)).toEqual(["answer to five"]);
  });

  test("are forked from where they are", async () => {
    const store = home.open();
    const { id, second, path } = await threeTurns(store);
    await leanFile(id, path, second);
    const writer = await store.open(id);
    await writer.append(turnOf("four"));
    await writer.close();
    const fork = metaOf({});
    await (await store.fork(id, fork)).close();
    expect(await answersOf(store, fork.id)).toEqual(["answer to one", "answer to four"]);
    const head = JSON.parse((await linesOf((await store.find(fork.id))?.path ?? ""))[0] ?? "");
    expect(head.payload.history_base.thread_id).not.toBe(id);
  });
});

test("a revert that a crash cut short leaves the thread as it was, and nothing behind", async () => {
  const first = home.open();
  const { id, path } = await threeTurns(first);
  await first.close();
  const torn = join(dirname(path), `${basename(path, ".jsonl")}_${uuidV7()}.jsonl.new`);
  await appendFile(torn, "{");
  const store = home.open();
  expect((await store.list(all)).data.map((row) => row.path)).toEqual([path]);
  expect(await answersOf(store, id)).toHaveLength(3);
  await rm(torn);
});
