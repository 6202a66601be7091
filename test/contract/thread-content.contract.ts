import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ItemId, ThreadId, TurnId } from "../../src/protocol/ids.ts";
import type { ThreadMeta, ThreadQuery, ThreadStore } from "../../src/store/port.ts";
import { uuidV7 } from "../../src/util/uuid-v7.ts";
import { metaOf, refusal, threadIn, turnOf } from "./thread-events.ts";
import type { StoreUnderTest } from "./thread-store.contract.ts";

const newest: ThreadQuery = {
  archived: false,
  sortKey: "updated_at",
  sortDirection: "desc",
  limit: 9,
};

/** A NUL, other control characters, a sign outside of the first plane, quotes and backslashes. */
const odd = 'a\u0000b\u0001\u001f\u2028 \u{1f600} "quoted" \\u0000 \\x00 %_';

/** What every backend must do with texts of any kind and size. */
export function threadContentContract(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps what was said`, () => {
    let made: StoreUnderTest;
    let store: ThreadStore;
    beforeEach(async () => {
      made = await make();
      ({ store } = made);
    });
    afterEach(() => made.close());

    test("to the character, in items, previews, names and folders", async () => {
      const { id } = await threadIn(
        store,
        { cwd: `/srv/${odd}`, baseInstructions: odd, threadSource: odd, originator: odd },
        odd,
      );
      await store.rename(id, `name ${odd}`);
      const { turns, modelItems, record } = await store.load(id);
      expect(turns[0]?.items).toMatchObject([
        { content: [{ type: "text", text: odd }] },
        { text: `answer to ${odd}` },
      ]);
      expect(modelItems[0]).toMatchObject({ content: [{ type: "input_text", text: odd }] });
      expect(record).toMatchObject({
        cwd: `/srv/${odd}`,
        baseInstructions: odd,
        threadSource: odd,
        originator: odd,
        preview: odd,
        name: `name ${odd}`,
      });
      const { data } = await store.list(newest);
      expect(data).toMatchObject([{ id, cwd: `/srv/${odd}`, preview: odd, name: `name ${odd}` }]);
    });

    test("so that it is found by any part of it", async () => {
      const { id } = await threadIn(store, { cwd: `/srv/${odd}` }, odd);
      const found = async (query: Partial<ThreadQuery>) =>
        (await store.list({ ...newest, ...query })).data.length;
      for (const searchTerm of [odd, "a\u0000b", "\u0001", '\u{1f600} "', "\\u0000", "%_"]) {
        expect([searchTerm, await found({ searchTerm })]).toEqual([searchTerm, 1]);
      }
      for (const searchTerm of ["\u0000a", "\u{1f601}", "\\n", "%a"]) {
        expect([searchTerm, await found({ searchTerm })]).toEqual([searchTerm, 0]);
      }
      expect(await found({ cwds: [`/srv/${odd}`] })).toBe(1);
      expect(await found({ cwds: ["/srv/\u0000"] })).toBe(0);
      expect((await store.find(id))?.preview).toBe(odd);
    });

    test("in notes, under any label", async () => {
      const kind = { name: "words", parse: String };
      const { id } = await threadIn(store, {}, "hello");
      await store.notes.change(id, kind, () => ({ value: odd, labels: [{ label: odd }] }));
      expect(await store.notes.read(id, kind)).toBe(odd);
      expect(await store.notes.find(kind, odd)).toEqual([
        { threadId: id, archived: false, value: odd },
      ]);
      const noted = { kind: "words", label: odd };
      expect((await store.list({ ...newest, noted })).data).toHaveLength(1);
    });

    test("with members that this version does not know", async () => {
      const { id } = await threadIn(store, {}, "hello");
      const writer = await store.open(id);
      const [started, ...rest] = turnOf("again");
      if (started === undefined) throw new Error("a turn has a start");
      const turnId = TurnId.parse(started.turnId);
      const modelItem = {
        type: "not_known_yet",
        later: { deep: [1, null, odd], flag: true },
        id: "x",
      };
      const times = { startedAtMs: 1_772_355_600_001, completedAtMs: 1_772_355_600_002 };
      const item = {
        type: "webSearch" as const,
        id: ItemId.parse(uuidV7()),
        query: "parsers",
        action: null,
        results: null,
        laterMember: { inner: [odd] },
        ...times,
      };
      await writer.append([
        started,
        { kind: "modelItem", turnId, item: modelItem },
        { kind: "itemCompleted", turnId, item },
        ...rest,
      ]);
      await writer.close();
      const { modelItems, turns } = await store.load(id);
      expect(modelItems).toContainEqual(modelItem);
      expect(turns[1]?.items).toContainEqual(item);
    });

    test("also where one item has 20 MB", async () => {
      const meta = metaOf({});
      const writer = store.create(meta);
      const text = `${odd}${"0123456789abcdef".repeat(1_310_720)}`;
      await writer.append(turnOf("small"));
      await writer.append(
        turnOf("large").map((event) =>
          event.kind === "itemCompleted" && event.item.type === "agentMessage"
            ? { ...event, item: { ...event.item, text } }
            : event,
        ),
      );
      const before = await store.load(meta.id);
      await writer.append(turnOf("after"));
      await writer.close();
      const { turns } = await store.load(meta.id);
      expect(before.turns).toHaveLength(2);
      expect(turns.map(({ items }) => items.length)).toEqual([2, 2, 2]);
      const [, answer] = turns[1]?.items ?? [];
      // Not `toBe` on the text: a failure would print it.
      expect(answer?.type === "agentMessage" && answer.text === text).toBe(true);
      const fork = metaOf({});
      await (await store.fork(meta.id, fork)).close();
      expect((await store.load(fork.id)).turns).toHaveLength(3);
    }, 60_000);

    test("with the times at which it was", async () => {
      const meta = metaOf({ createdAtMs: Date.parse("2026-03-01T09:00:00.123Z") });
      const beforeMs = Date.now();
      const writer = store.create(meta);
      const startedAtMs = Date.parse("2026-03-01T09:30:00.456Z");
      await writer.append(turnOf("hello", startedAtMs));
      await writer.close();
      const record = await store.find(meta.id);
      expect(record).toMatchObject({ createdAtMs: meta.createdAtMs, recencyAtMs: startedAtMs });
      expect(record?.updatedAtMs).toBeGreaterThanOrEqual(beforeMs - 1);
      expect(record?.updatedAtMs).toBeLessThanOrEqual(Date.now() + 1);
      const { turns } = await store.load(meta.id);
      expect(turns[0]).toMatchObject({ startedAt: Math.floor(startedAtMs / 1000) });
      expect(turns[0]?.items[0]).toMatchObject({
        startedAtMs: startedAtMs + 1,
        completedAtMs: startedAtMs + 2,
      });
    });

    test("and lists it in every order, both ways, page by page", async () => {
      const ids: ThreadId[] = [];
      for (const at of [3, 1, 2, 2, 5]) {
        const id = ThreadId.parse(uuidV7());
        const startedAtMs = 1_772_355_600_000 + at * 1000;
        const meta: Partial<ThreadMeta> = { id, createdAtMs: startedAtMs };
        const writer = store.create(metaOf(meta));
        await writer.append(turnOf(String(at), startedAtMs));
        await writer.close();
        ids.push(id);
      }
      for (const sortKey of ["created_at", "updated_at", "recency_at"] as const) {
        const all = async (sortDirection: "asc" | "desc") => {
          const seen: ThreadId[] = [];
          let cursor: string | undefined;
          do {
            const page: Awaited<ReturnType<ThreadStore["list"]>> = await store.list({
              ...newest,
              sortKey,
              sortDirection,
              limit: 2,
              ...(cursor === undefined ? {} : { cursor }),
            });
            seen.push(...page.data.map(({ id }) => id));
            cursor = page.nextCursor ?? undefined;
          } while (cursor !== undefined);
          return seen;
        };
        const down = await all("desc");
        expect(down.toSorted()).toEqual(ids.toSorted());
        expect((await all("asc")).toReversed()).toEqual(down);
      }
    });

    test("a writer that was closed writes no more", async () => {
      const { id } = await threadIn(store, {}, "hello");
      const writer = await store.open(id);
      await writer.close();
      await expect(writer.append(turnOf("late"))).rejects.toThrow("given up");
      await writer.close();
      expect(await refusal(store.open(id).then((again) => again.close()))).toBe("none");
      expect((await store.load(id)).turns).toHaveLength(1);
    });
  });
}
