import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ThreadId } from "../../../src/protocol/ids.ts";
import type { ThreadStore } from "../../../src/store/port.ts";
import { PostgresDatabase } from "../../../src/store/postgres/database.ts";
import { openPostgres } from "../../../src/store/postgres/open-postgres.ts";
import { reachPostgres } from "../../../src/store/postgres/reach-postgres.ts";
import { migrate } from "../../../src/store/postgres/schema.ts";
import { metaOf, refusal, threadIn, turnOf } from "../../contract/thread-events.ts";
import { startPostgresDatabase } from "../../helpers/postgres-database.ts";
import type { PostgresTestDatabase } from "../../helpers/postgres-database.ts";

const silent = { warn: () => undefined };

let database: PostgresTestDatabase;
const open: ThreadStore[] = [];

beforeAll(async () => {
  database = await startPostgresDatabase();
}, 60_000);
afterAll(() => database.close());
beforeEach(() => database.clear());
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});

const host = async (installation: string): Promise<ThreadStore> => {
  const { store } = await openPostgres({ url: database.url, installation, log: silent });
  open.push(store);
  return store;
};
const textsOf = async (store: ThreadStore, id: ThreadId) =>
  (await store.load(id)).turns.map(({ items }) =>
    items.map((item) => (item.type === "agentMessage" ? item.text : item.type)),
  );
const answers = (...texts: string[]) => texts.map((text) => ["userMessage", `answer to ${text}`]);

const newest = { archived: false, sortKey: "created_at", sortDirection: "desc" } as const;

async function migrated(): Promise<void> {
  const tables = new PostgresDatabase(database.url, silent);
  await migrate(tables);
  await tables.close();
}

/** As if the host had not been seen for so long that it counts as gone. */
const losesTouch = (installation: string) =>
  database.query(
    `UPDATE farhelm.hosts SET seen_at = seen_at - interval '1 hour' WHERE installation = '${installation}'`,
  );

describe("hosts that share a Postgres database", () => {
  test("see each other's threads, and what is said in them", async () => {
    const [one, two] = [await host("one"), await host("two")];
    const { id } = await threadIn(one, {}, "hello");
    expect(await textsOf(two, id)).toEqual(answers("hello"));
    const writer = await two.open(id);
    await writer.append(turnOf("more"));
    await writer.close();
    expect(await textsOf(one, id)).toEqual(answers("hello", "more"));
    await one.rename(id, "named");
    expect(await two.find(id)).toMatchObject({ name: "named", preview: "hello" });
  });

  test("write one at a time: the second one is told so until the first one is done", async () => {
    const [one, two] = [await host("one"), await host("two")];
    const meta = metaOf({});
    const writer = one.create(meta);
    await writer.append(turnOf("mine"));
    expect(await refusal(two.open(meta.id))).toBe("busy");
    expect(await refusal(two.delete(meta.id))).toBe("busy");
    await expect(two.open(meta.id)).rejects.toThrow(
      `Another host is writing thread ${meta.id}. Close the thread there, or stop that host, and try again.`,
    );
    await writer.append(turnOf("still mine"));
    await writer.close();
    const next = await two.open(meta.id);
    expect(await refusal(one.open(meta.id))).toBe("busy");
    await next.close();
    expect(await textsOf(two, meta.id)).toEqual(answers("mine", "still mine"));
  });

  test("asked at the same moment, one of them gets the thread", async () => {
    const [one, two] = [await host("one"), await host("two")];
    const { id } = await threadIn(one, {}, "hello");
    const outcomes = await Promise.all([refusal(one.open(id)), refusal(two.open(id))]);
    expect(outcomes.toSorted()).toEqual(["busy", "none"]);
  });

  test("give their threads up as they end", async () => {
    const [one, two] = [await host("one"), await host("two")];
    const meta = metaOf({});
    await one.create(meta).append(turnOf("hello"));
    await open.shift()?.close();
    const writer = await two.open(meta.id);
    await writer.append(turnOf("on"));
    expect(await textsOf(two, meta.id)).toEqual(answers("hello", "on"));
  });

  test("are not in their own way after they were killed", async () => {
    const before = await host("one");
    const meta = metaOf({});
    await before.create(meta).append(turnOf("hello"));
    const after = await host("one");
    const writer = await after.open(meta.id);
    await writer.append(turnOf("on"));
    await writer.close();
    expect(await textsOf(after, meta.id)).toEqual(answers("hello", "on"));
  });

  test("take over from one that is gone, which then writes nothing any more", async () => {
    const [one, two] = [await host("one"), await host("two")];
    const meta = metaOf({});
    const lost = one.create(meta);
    await lost.append(turnOf("hello"));
    await losesTouch("one");
    const writer = await two.open(meta.id);
    expect(await refusal(lost.append(turnOf("too late")))).toBe("busy");
    await writer.append(turnOf("on"));
    await writer.close();
    expect(await refusal(lost.append(turnOf("too late")))).toBe("busy");
    await lost.close();
    expect(await textsOf(two, meta.id)).toEqual(answers("hello", "on"));
  });

  test("do not bring back what another one deleted", async () => {
    const [one, two] = [await host("one"), await host("two")];
    const meta = metaOf({});
    const lost = one.create(meta);
    await lost.append(turnOf("hello"));
    await losesTouch("one");
    await two.delete(meta.id);
    expect(await refusal(lost.append(turnOf("too late")))).toBe("busy");
    expect(await two.find(meta.id)).toBeUndefined();
  });

  test("read no more of a thread than is left of it after another one took turns back", async () => {
    const [one, two] = [await host("one"), await host("two")];
    const { id, turnIds } = await threadIn(one, {}, "one", "two", "three");
    expect(await textsOf(two, id)).toEqual(answers("one", "two", "three"));
    const second = turnIds[1];
    if (second === undefined) throw new Error("three turns were written");
    await one.revert(id, second);
    const writer = await one.open(id);
    await writer.append(turnOf("four"));
    expect(await textsOf(two, id)).toEqual(answers("one", "four"));
    expect(await textsOf(one, id)).toEqual(answers("one", "four"));
  });

  test("keep a thread that was started and not used, with its name, for whoever goes on with it", async () => {
    const one = await host("one");
    const meta = metaOf({ baseInstructions: "Be brief.", createdAtMs: Date.now() });
    const writer = one.create(meta);
    await one.rename(meta.id, "early");
    await one.setGitInfo(meta.id, { sha: "def", branch: null, originUrl: null });
    expect(await one.find(meta.id)).toBeUndefined();
    await writer.close();
    const two = await host("two");
    expect(await two.find(meta.id)).toMatchObject({
      id: meta.id,
      name: "early",
      gitInfo: { sha: "def", branch: null, originUrl: null },
    });
    const { record, turns } = await two.load(meta.id);
    expect([record.baseInstructions, turns]).toEqual(["Be brief.", []]);
    expect((await two.list({ ...newest, limit: 9 })).data).toEqual([]);
    const again = await two.open(meta.id);
    expect(await refusal(two.fork(meta.id, metaOf({})))).toBe("notFound");
    await again.append(turnOf("hello"));
    await again.close();
    expect((await one.load(meta.id)).record).toMatchObject({
      name: "early",
      baseInstructions: "Be brief.",
      preview: "hello",
    });
  });

  test("forget an unused thread that is old, when they start", async () => {
    const meta = metaOf({ createdAtMs: Date.now() - 31 * 24 * 60 * 60 * 1000 });
    const one = await host("one");
    const writer = one.create(meta);
    await one.rename(meta.id, "early");
    await (await host("two")).list({ ...newest, limit: 9 });
    await writer.append(turnOf("it is open"));
    await writer.close();
    expect((await one.find(meta.id))?.name).toBe("early");
    const unused = metaOf({ createdAtMs: meta.createdAtMs });
    await one.create(unused).close();
    expect((await one.find(unused.id))?.id).toBe(unused.id);
    await host("three");
    expect(await one.find(unused.id)).toBeUndefined();
  });

  test("forget an unused thread that is archived", async () => {
    const one = await host("one");
    const meta = metaOf({});
    await one.create(meta).close();
    expect(await one.setArchived(meta.id, true)).toMatchObject({ archived: true });
    expect(await one.find(meta.id)).toBeUndefined();
  });
});

describe("the tables in Postgres", () => {
  test("are made once where two hosts start at the same time, and hold what was there", async () => {
    const [one] = await Promise.all([host("one"), host("two"), host("three")]);
    const { id } = await threadIn(one, {}, "hello");
    await migrated();
    expect(await textsOf(await host("four"), id)).toEqual(answers("hello"));
    expect(
      await database.query("SELECT count(*)::int AS rows FROM farhelm.schema_version"),
    ).toEqual([{ rows: 1 }]);
  });

  test("of a newer Farhelm are left alone", async () => {
    await migrated();
    await database.query("UPDATE farhelm.schema_version SET version = 99");
    const expected =
      /^The tables in the database at 127\.0\.0\.1:\d+\/\w+ were written by a newer Farhelm \(version 99, this one knows \d+\)\. Update Farhelm\.$/;
    await expect(host("one")).rejects.toThrow(expected);
    await expect(reachPostgres(database.url)).rejects.toThrow(expected);
  });

  test("are looked at without being made", async () => {
    expect(await reachPostgres(database.url)).toMatch(
      /^the database at 127\.0\.0\.1:\d+\/\w+ \(Postgres [\d.]+.*, no tables yet, made at the first start\)$/,
    );
    expect(await database.query("SELECT to_regnamespace('farhelm')::text AS found")).toEqual([
      { found: null },
    ]);
    await migrated();
    expect(await reachPostgres(database.url)).toContain("tables in order");
  });
});
