import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "../../../src/db/database.ts";
import type { Database } from "../../../src/db/database.ts";
import type { ThreadId } from "../../../src/protocol/ids.ts";
import { createLocalStore } from "../../../src/store/local/local-store.ts";
import type { ThreadQuery, ThreadStore } from "../../../src/store/port.ts";
import { uuidV7 } from "../../../src/util/uuid-v7.ts";
import { metaOf, refusal, turnOf } from "../../contract/thread-events.ts";

const silent = { warn: () => undefined, error: () => undefined };
const all: ThreadQuery = {
  archived: false,
  sortKey: "updated_at",
  sortDirection: "desc",
  limit: 100,
};

let home: string;
let database: Database;
const stores: ThreadStore[] = [];

function openStore(codexHome = home, nowMs: () => number = Date.now): ThreadStore {
  const store = createLocalStore({ codexHome, database, log: silent, nowMs });
  stores.push(store);
  return store;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const linesOf = async (path: string): Promise<string[]> =>
  (await readFile(path, "utf8")).trimEnd().split("\n");

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "farhelm-store-"));
  database = openDatabase(":memory:");
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  database.close();
  await rm(home, { recursive: true, force: true });
});

/** A thread with one turn, closed. */
async function stored(store: ThreadStore, text: string): Promise<{ id: ThreadId; path: string }> {
  const meta = metaOf({});
  const writer = store.create(meta);
  await writer.append(turnOf(text));
  await writer.close();
  return { id: meta.id, path: store.pathOf(meta) ?? "" };
}

describe("the file", () => {
  test("lies where the stock client looks, made with the first append, for its owner only", async () => {
    const store = openStore();
    const createdAtMs = new Date(2026, 2, 4, 5, 6, 7).getTime();
    const meta = metaOf({ createdAtMs });
    const path = join(home, `sessions/2026/03/04/rollout-2026-03-04T05-06-07-${meta.id}.jsonl`);
    expect(store.pathOf(meta)).toBe(path);
    const writer = store.create(meta);
    expect(await readdir(home)).toEqual([]);
    await writer.append(turnOf("hello"));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const lines = (await linesOf(path)).map((line): { type: string; ordinal: number } =>
      JSON.parse(line),
    );
    expect(lines[0]?.type).toBe("session_meta");
    expect(lines.map(({ ordinal }) => ordinal)).toEqual(lines.map((_, index) => index));
    await writer.close();
  });

  test("an older thread goes on in its own form", async () => {
    const store = openStore();
    const meta = metaOf({ historyMode: "legacy" });
    const first = store.create(meta);
    await first.append(turnOf("one"));
    await first.close();
    const again = await store.open(meta.id);
    await again.append(turnOf("two"));
    await again.close();
    const text = await readFile(store.pathOf(meta) ?? "", "utf8");
    expect(text).not.toContain('"ordinal"');
    expect(text).not.toContain("item_completed");
    expect((await store.load(meta.id)).turns.map(({ items }) => items.length)).toEqual([2, 2]);
  });

  test("ordinals go on after a reopening, past lines of others", async () => {
    const store = openStore();
    const { id, path } = await stored(store, "one");
    await appendFile(path, `${JSON.stringify({ timestamp: "x", ordinal: 77, type: "new" })}\n`);
    const writer = await store.open(id);
    await writer.append(turnOf("two").slice(0, 1));
    await writer.close();
    expect((await linesOf(path)).at(-1)).toContain('"ordinal":78');
    expect((await linesOf(path)).at(-2)).toContain('"ordinal":77');
  });

  test("a torn last line is passed over, and gone with the next append", async () => {
    const store = openStore();
    const { id, path } = await stored(store, "one");
    await appendFile(path, '{"timestamp":"2026-01-01T00:00:00Z","ordinal":99,"type":"eve');
    const second = openStore();
    expect((await second.load(id)).turns).toHaveLength(1);
    const writer = await second.open(id);
    await writer.append(turnOf("two"));
    await writer.close();
    for (const line of await linesOf(path)) expect(() => JSON.parse(line)).not.toThrow();
    expect((await second.load(id)).turns.map(({ status }) => status)).toEqual([
      "completed",
      "completed",
    ]);
  });

  test("a fork reads on from the first bytes of its parent's file", async () => {
    const store = openStore();
    const parent = await stored(store, "one");
    const { size } = await stat(parent.path);
    const again = await store.open(parent.id);
    await again.append(turnOf("not in the fork"));
    await again.close();
    const fork = await stored(store, "two");
    const [head = "", ...rest] = await linesOf(fork.path);
    const record: { payload: object } = JSON.parse(head);
    const history_base = { thread_id: parent.id, end_byte_offset: size };
    const payload = { ...record.payload, forked_from_id: parent.id, history_base };
    await writeFile(fork.path, [JSON.stringify({ ...record, payload }), ...rest, ""].join("\n"));
    const { turns } = await store.load(fork.id);
    expect(turns.map(({ items }) => items[1])).toMatchObject([
      { text: "answer to one" },
      { text: "answer to two" },
    ]);
  });

  test("archiving moves it to the flat folder and back to its day", async () => {
    const store = openStore();
    const { id, path } = await stored(store, "one");
    const archived = await store.setArchived(id, true);
    expect(dirname(archived.path ?? "")).toBe(join(home, "archived_sessions"));
    expect(await exists(path)).toBe(false);
    expect((await store.setArchived(id, false)).path).toBe(path);
    expect(await exists(path)).toBe(true);
  });
});

describe("what others do in the same home is seen", () => {
  test("names are kept where the stock client keeps them, and read from there", async () => {
    const store = openStore();
    const { id } = await stored(store, "one");
    await store.rename(id, "mine");
    const index = join(home, "session_index.jsonl");
    const [line = ""] = await linesOf(index);
    expect(JSON.parse(line)).toMatchObject({ id, thread_name: "mine" });
    await appendFile(index, `{"torn\n${JSON.stringify({ id, thread_name: "theirs" })}\n`);
    expect((await store.list(all)).data.map(({ name }) => name)).toEqual(["theirs"]);
    expect((await openStore().list(all)).data.map(({ name }) => name)).toEqual(["theirs"]);
  });

  test("a new start finds what was written, moved, changed and removed meanwhile", async () => {
    const first = openStore();
    const kept = await stored(first, "kept");
    const grown = await stored(first, "grown");
    const gone = await stored(first, "gone");
    const moved = await stored(first, "moved");
    await first.close();
    await rm(gone.path);
    const archive = join(home, "archived_sessions");
    await mkdir(archive);
    execFileSync("mv", [moved.path, archive]);
    const later = new Date("2099-01-01T00:00:00Z");
    await appendFile(grown.path, "{}\n");
    await utimes(grown.path, later, later);
    const second = openStore();
    const { data } = await second.list(all);
    expect(data.map(({ id }) => id)).toEqual([grown.id, kept.id]);
    expect(data[0]?.updatedAtMs).toBe(later.getTime());
    expect((await second.list({ ...all, archived: true })).data).toMatchObject([
      { id: moved.id, preview: "moved" },
    ]);
    expect(second.progress()).toEqual({ state: "done", indexed: 3, total: 3 });
  });

  test("a row says the same before and after a restart", async () => {
    const first = openStore();
    const { id } = await stored(first, "one");
    await first.rename(id, "named");
    const before = await first.find(id);
    await first.close();
    const second = openStore();
    expect((await second.list(all)).data).toEqual([before]);
  });

  test("a thread that the index does not know is found by its file", async () => {
    const store = openStore();
    await store.list(all);
    const other = openDatabase(":memory:");
    const writer = createLocalStore({ codexHome: home, database: other, log: silent });
    const { id } = await stored(writer, "from elsewhere");
    await writer.close();
    other.close();
    expect((await store.find(id))?.preview).toBe("from elsewhere");
  });

  test("new threads of others appear in the list after a while", async () => {
    let nowMs = Date.now();
    const store = openStore(home, () => nowMs);
    await store.list(all);
    const other = openDatabase(":memory:");
    const writer = createLocalStore({ codexHome: home, database: other, log: silent });
    await stored(writer, "theirs");
    await writer.close();
    other.close();
    nowMs += 60_000;
    await store.list(all);
    await expect.poll(async () => (await store.list(all)).data.length).toBe(1);
  });

  test("a file that is no history is left alone", async () => {
    const day = join(home, "sessions/2026/01/01");
    await mkdir(day, { recursive: true });
    await writeFile(join(day, `rollout-2026-01-01T00-00-00-${uuidV7()}.jsonl`), "not json\n");
    await writeFile(join(day, "notes.txt"), "x");
    await writeFile(join(home, "sessions/README"), "x");
    expect((await openStore().list(all)).data).toEqual([]);
  });
});

describe("one writer", () => {
  test("a second store is told that the thread is busy", async () => {
    const store = openStore();
    const { id } = await stored(store, "one");
    const writer = await store.open(id);
    const second = openStore();
    expect(await refusal(second.open(id))).toBe("busy");
    await writer.close();
    await (await second.open(id)).close();
    expect(await readdir(join(home, "thread-writer-locks"))).toEqual([]);
  });

  test("another program's lock counts, and ends with that program", async () => {
    const store = openStore();
    const { id } = await stored(store, "one");
    const lock = join(home, "thread-writer-locks", `${id}.lock`);
    const holder = spawn("flock", [lock, "-c", "echo held; read line"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    await once(holder.stdout, "data");
    expect(await refusal(store.open(id))).toBe("busy");
    holder.stdin.end("\n");
    await once(holder, "close");
    await (await store.open(id)).close();
  });
});

/** What a list and a first append come to in a home. */
const tried = async (folder: string) => {
  const store = openStore(folder);
  return {
    listed: (await store.list(all)).data,
    append: await refusal(store.create(metaOf({})).append(turnOf("x"))),
  };
};

/** Runs `work` in a file system of 64 KiB; false where this user may not mount one. */
const tmpfs = async (work: (folder: string) => Promise<void>): Promise<boolean> => {
  const folder = join(home, "small");
  await mkdir(folder);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], {
      stdio: "ignore",
    });
  } catch {
    return false;
  }
  try {
    await work(folder);
  } finally {
    for (const store of stores.splice(0)) await store.close();
    execFileSync("umount", [folder]);
  }
  return true;
};

describe("when the disk refuses", () => {
  test("a full disk leaves whole lines only, and writing goes on when there is space", async (ctx) => {
    const ran = await tmpfs(async (folder) => {
      const store = openStore(folder);
      const meta = metaOf({});
      const writer = store.create(meta);
      await writer.append(turnOf("fits"));
      const path = store.pathOf(meta) ?? "";
      const before = await readFile(path, "utf8");
      expect(await refusal(writer.append(turnOf("x".repeat(100_000))))).toBe("diskFull");
      expect(await readFile(path, "utf8")).toBe(before);
      await writer.append(turnOf("small"));
      await writer.close();
      expect((await store.load(meta.id)).turns).toHaveLength(2);
    });
    if (!ran) ctx.skip("needs the right to mount a tmpfs");
  });

  test("a thread whose first lines do not fit leaves no file", async (ctx) => {
    const ran = await tmpfs(async (folder) => {
      const store = openStore(folder);
      const meta = metaOf({});
      const writer = store.create(meta);
      expect(await refusal(writer.append(turnOf("x".repeat(100_000))))).toBe("diskFull");
      expect(await exists(store.pathOf(meta) ?? "")).toBe(false);
      expect(await store.find(meta.id)).toBeUndefined();
      await writer.close();
    });
    if (!ran) ctx.skip("needs the right to mount a tmpfs");
  });

  test("a home that cannot be written is said to be so", async (ctx) => {
    let seen: Awaited<ReturnType<typeof tried>> | undefined;
    if (process.getuid?.() === 0) {
      // Permissions do not bind root; a file system that is mounted read-only does.
      const ran = await tmpfs(async (folder) => {
        execFileSync("mount", ["-o", "remount,ro", folder]);
        seen = await tried(folder);
      });
      if (!ran) ctx.skip("needs the right to mount a tmpfs");
    } else {
      await chmod(home, 0o500);
      seen = await tried(home);
      await chmod(home, 0o700);
    }
    expect(seen).toEqual({ listed: [], append: "readOnly" });
  });
});

describe("many threads", () => {
  test("an unknown history is indexed in the background, and every list is right from the first", async () => {
    const source = openStore();
    const { path } = await stored(source, "seed");
    await source.close();
    const text = await readFile(path, "utf8");
    const seed = /rollout-(?<time>.{19})-(?<id>.+)\.jsonl$/.exec(path)?.groups;
    const day = join(home, "sessions/2025/01/02");
    await mkdir(day, { recursive: true });
    const total = 1000;
    const written: string[] = [];
    for (let index = 0; index < total; index += 1) {
      const id = uuidV7();
      const file = join(day, `rollout-2025-01-02T00-00-00-${id}.jsonl`);
      await writeFile(file, text.replaceAll(seed?.["id"] ?? "", id));
      const at = new Date(Date.UTC(2025, 0, 2) + index * 1000);
      await utimes(file, at, at);
      written.push(id);
    }
    database.exec("DELETE FROM store_threads");
    const store = openStore();
    expect(store.progress().state).toBe("running");
    const page = await store.list({ ...all, limit: 50 });
    expect(page.data).toHaveLength(50);
    expect(store.progress().indexed).toBeLessThan(total);
    const oldest = await store.list({ ...all, sortDirection: "asc", limit: 50 });
    expect(oldest.data.map(({ id }) => id)).toEqual(written.slice(0, 50));
    expect(page.data.map(({ id }) => id)).toEqual([
      seed?.["id"],
      ...written.toReversed().slice(0, 49),
    ]);
    await expect
      .poll(() => store.progress(), { timeout: 60_000 })
      .toEqual({ state: "done", indexed: total + 1, total: total + 1 });
  }, 20_000);
});
