import { existsSync } from "node:fs";
import { readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openDatabase } from "../../../src/db/database.ts";
import { metaOf, refusal, turnOf } from "../../contract/thread-events.ts";
import { all, linesOf, LocalHome, stored } from "./local-home.ts";

const home = new LocalHome();

describe("a repository that was set", () => {
  test.each(["paginated", "legacy"] as const)(
    "is there after a restart, and a %s file keeps what it had",
    async (historyMode) => {
      const gitInfo = { sha: "def", branch: "next", originUrl: null };
      const first = home.open();
      const meta = await stored(first, "one", { historyMode });
      const { path } = meta;
      const before = await readFile(path, "utf8");
      await first.setGitInfo(meta.id, gitInfo);
      await first.close();
      const second = home.open();
      expect((await second.list(all)).data[0]?.gitInfo).toEqual(gitInfo);
      expect((await second.load(meta.id)).record.gitInfo).toEqual(gitInfo);
      const added = (await readFile(path, "utf8")).slice(before.length);
      expect(added.includes('"session_meta"')).toBe(historyMode === "legacy");
    },
  );
});

describe("a fork", () => {
  test("that reads from its source's file keeps the source from being deleted", async () => {
    const store = home.open();
    const { id } = await stored(store, "one");
    const meta = metaOf({});
    await (await store.fork(id, meta)).close();
    expect(await refusal(store.delete(id))).toBe("busy");
    await store.delete(meta.id);
    await store.delete(id);
    expect((await store.list(all)).data).toEqual([]);
  });

  test("is listed under the source's first message by a store that has not seen it yet", async () => {
    const first = home.open();
    const { id } = await stored(first, "one");
    const meta = metaOf({});
    const writer = await first.fork(id, meta);
    await writer.append(turnOf("two"));
    await writer.close();
    await first.setArchived(id, true);
    await first.close();
    home.database.exec("DELETE FROM store_threads");
    expect((await home.open().list(all)).data).toMatchObject([
      { id: meta.id, preview: "one", forkedFromId: id },
    ]);
  });
});

test("a deleted thread's name goes with it, other names stay", async () => {
  const store = home.open();
  const one = await stored(store, "one");
  const two = await stored(store, "two");
  await store.rename(one.id, "first");
  await store.rename(two.id, "second");
  await store.delete(one.id);
  expect(await linesOf(join(home.folder, "session_index.jsonl"))).toMatchObject([
    expect.stringContaining(two.id),
  ]);
  await store.rename(two.id, "third");
  expect((await store.list(all)).data.map(({ name }) => name)).toEqual(["third"]);
  expect(existsSync(one.path)).toBe(false);
});

test("a name that the thread has already is not written again", async () => {
  const store = home.open();
  const { id } = await stored(store, "one");
  for (const name of ["first", "first", "second", "first"]) await store.rename(id, name);
  expect(await linesOf(join(home.folder, "session_index.jsonl"))).toMatchObject([
    expect.stringContaining('"first"'),
    expect.stringContaining('"second"'),
    expect.stringContaining('"first"'),
  ]);
});

describe("a history that was read before", () => {
  test.each(["paginated", "legacy"] as const)(
    "grows with what its writer adds, in the %s form, as if it were read anew",
    async (historyMode) => {
      const store = home.open();
      const source = await stored(store, "zero", { historyMode });
      const meta = metaOf({});
      const writer = await store.fork(source.id, meta);
      const seen = [await store.load(meta.id)];
      for (const event of [turnOf("one"), turnOf("two")].flat()) {
        await writer.append([event]);
        seen.push(await store.load(meta.id));
      }
      expect(seen.map(({ turns }) => turns.length)).toEqual([
        1,
        ...Array(8).fill(2),
        ...Array(8).fill(3),
      ]);
      expect(seen[4]?.turns[1]).toMatchObject({ status: "interrupted", items: [{}] });
      await writer.close();
      await store.close();
      const anew = await home.open().load(meta.id);
      const { record: _, ...last } = seen.at(-1) ?? anew;
      expect(anew).toMatchObject(last);
      expect(anew.turns).toEqual(last.turns);
    },
  );

  test("is given again at once, and never when the file is another", async () => {
    const store = home.open();
    const { id, path } = await stored(store, "one");
    const first = await store.load(id);
    expect((await store.load(id)).turns).toBe(first.turns);
    const writer = await store.open(id);
    await writer.append(turnOf("two"));
    expect((await store.load(id)).turns).toHaveLength(2);
    await writer.close();
    const text = await readFile(path, "utf8");
    const { atime, mtime } = await stat(path);
    await writeFile(path, text.replaceAll("answer to one", "ANSWER to one"));
    await utimes(path, atime, mtime);
    expect(JSON.stringify((await store.load(id)).turns)).toContain("ANSWER to one");
  });
});

test("a file of the stock server's that has another shape keeps nobody from naming a thread", async () => {
  const file = join(home.folder, "state_7.sqlite");
  const foreign = openDatabase(file);
  foreign.exec("CREATE TABLE threads (id TEXT)");
  foreign.close();
  const store = home.open();
  const { id } = await stored(store, "one");
  await store.rename(id, "named");
  expect((await store.find(id))?.name).toBe("named");
});

test("a store that finds a thread by its file knows its name at once", async () => {
  const first = home.open();
  const { id } = await stored(first, "one");
  await first.rename(id, "named");
  await first.close();
  home.database.exec("DELETE FROM store_threads");
  expect((await home.open().find(id))?.name).toBe("named");
});
