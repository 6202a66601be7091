import { appendFile, mkdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ThreadId } from "../../../src/protocol/ids.ts";
import { QueuedMessage } from "../../../src/protocol/queued-message.ts";
import type { NoteKind, ThreadStore } from "../../../src/store/port.ts";
import { metaOf, refusal, turnOf } from "../../contract/thread-events.ts";
import { all, LocalHome, stored } from "./local-home.ts";

const home = new LocalHome();
const colour: NoteKind<string> = { name: "colour", parse: String };

const paint = (store: ThreadStore, id: ThreadId, value = "red"): Promise<void> =>
  store.notes.change(id, colour, () => ({ value }));

/** As the stock program does it. */
async function archiveBehindOurBack(path: string): Promise<string> {
  const folder = join(home.folder, "archived_sessions");
  await mkdir(folder, { recursive: true });
  const to = join(folder, basename(path));
  await rename(path, to);
  return to;
}

const listed = async (store: ThreadStore, archived: boolean) =>
  (await store.list({ ...all, archived })).data;

describe("a note is changed of a thread", () => {
  test("whose file was archived by another program: the index says so from then on", async () => {
    const store = home.open();
    const { id, path } = await stored(store, "one");
    expect(await listed(store, false)).toHaveLength(1);
    const to = await archiveBehindOurBack(path);
    await paint(store, id);
    expect(await listed(store, false)).toEqual([]);
    expect(await listed(store, true)).toMatchObject([{ id, path: to, archived: true }]);
    expect(await store.notes.find(colour)).toEqual([
      { threadId: id, archived: true, value: "red" },
    ]);
  });

  test("that is open here while its file is archived: what is appended later stays with it", async () => {
    const store = home.open();
    const meta = metaOf({});
    const writer = store.create(meta);
    await writer.append(turnOf("one"));
    const to = await archiveBehindOurBack(store.pathOf(meta) ?? "");
    await paint(store, meta.id);
    await writer.append(turnOf("two"));
    expect(await listed(store, true)).toMatchObject([{ id: meta.id, path: to, archived: true }]);
    await writer.close();
    expect((await store.load(meta.id)).turns).toHaveLength(2);
  });

  test("whose file another program wrote: its time is the file's", async () => {
    const store = home.open();
    const { id, path } = await stored(store, "one");
    const [last = ""] = (await readFile(path, "utf8")).trimEnd().split("\n").slice(-1);
    await appendFile(path, `${last}\n`);
    const later = new Date("2031-01-01T00:00:00Z");
    await utimes(path, later, later);
    await paint(store, id);
    expect(await listed(store, false)).toMatchObject([{ id, updatedAtMs: later.getTime() }]);
  });

  test("whose file was written anew: what it says now is what the list says", async () => {
    const store = home.open();
    const gitInfo = { sha: "def", branch: "next", originUrl: null };
    const long = await stored(store, "a very long first message".repeat(40));
    await store.setGitInfo(long.id, gitInfo);
    const short = await stored(store, "short");
    const text = (await readFile(short.path, "utf8")).replaceAll(short.id, long.id);
    await writeFile(long.path, text);
    await paint(store, long.id);
    const row = (await listed(store, false)).find(({ id }) => id === long.id);
    expect(row).toMatchObject({ preview: "short", gitInfo });
  });

  test("whose file is gone: refused, and the thread is listed no more", async () => {
    const store = home.open();
    const { id, path } = await stored(store, "one");
    await paint(store, id);
    const text = await readFile(path, "utf8");
    await rm(path);
    expect(await refusal(paint(store, id, "blue"))).toBe("notFound");
    expect(await listed(store, false)).toEqual([]);
    expect(await store.notes.find(colour)).toEqual([]);
    await writeFile(path, text);
    await paint(store, id, "green");
    expect(await store.notes.read(id, colour)).toBe("green");
  });

  test("of which nothing is written but its reservation: refused", async () => {
    const first = home.open();
    const meta = metaOf({ createdAtMs: Date.now() });
    const { id } = meta;
    first.create(meta);
    await first.close();
    const store = home.open();
    expect(await store.find(id)).toMatchObject({ id });
    expect(await refusal(paint(store, id))).toBe("notFound");
  });
});

test("messages that waited in the table of an earlier version still wait", async () => {
  const { id } = await stored(home.open(), "one");
  home.database.exec(`
    DELETE FROM migrations WHERE owner IN ('store-notes', 'store-queue');
    DROP TABLE store_notes;
    DROP TABLE store_note_labels;
    CREATE TABLE store_queued_messages (
      thread_id TEXT NOT NULL, position INTEGER NOT NULL, id TEXT NOT NULL, client_id TEXT NOT NULL,
      input TEXT NOT NULL, client_metadata TEXT, sent_by TEXT, PRIMARY KEY (thread_id, position)
    ) WITHOUT ROWID;
    INSERT INTO migrations VALUES ('store-queue', 2);
  `);
  const input = [{ type: "text" as const, text: "wait", text_elements: [] }];
  const put = home.database.prepare("INSERT INTO store_queued_messages VALUES (?,?,?,?,?,?,?)");
  put.run(id, 1, "b", "second", JSON.stringify(input), null, null);
  put.run(id, 0, "a", "first", JSON.stringify(input), '{"from":"here"}', "dev_1");
  const queue: NoteKind<readonly QueuedMessage[]> = {
    name: "queue",
    parse: (value) => QueuedMessage.array().parse(value),
  };
  expect(await home.open().notes.find(queue)).toEqual([
    {
      threadId: id,
      archived: false,
      value: [
        { id: "a", clientId: "first", clientMetadata: { from: "here" }, from: "dev_1", input },
        { id: "b", clientId: "second", clientMetadata: null, input },
      ],
    },
  ]);
});
