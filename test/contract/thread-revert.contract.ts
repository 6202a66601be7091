import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ThreadId, TurnId } from "../../src/protocol/ids.ts";
import type { ThreadMeta, ThreadStore } from "../../src/store/port.ts";
import { uuidV7 } from "../../src/util/uuid-v7.ts";
import { metaOf, refusal, settings, threadIn, turnOf } from "./thread-events.ts";
import type { StoreUnderTest } from "./thread-store.contract.ts";

const answers = (...texts: string[]) => texts.map((text) => ["userMessage", `answer to ${text}`]);

/** What every backend of the thread store must do where turns are taken back. */
export function threadRevertContract(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} takes turns back`, () => {
    let made: StoreUnderTest;
    let store: ThreadStore;

    beforeEach(async () => {
      made = await make();
      ({ store } = made);
    });
    afterEach(async () => {
      await made.close();
    });

    const threadOf = async (more: Partial<ThreadMeta>, ...texts: string[]) => {
      const { id, turnIds } = await threadIn(store, more, ...texts);
      const [first, second, third] = turnIds;
      if (!first || !second || !third) throw new Error("three turns were written");
      return { id, first, second, third };
    };
    const textsOf = async (id: ThreadId) =>
      (await store.load(id)).turns.map(({ items }) =>
        items.map((item) => (item.type === "agentMessage" ? item.text : item.type)),
      );
    const add = async (id: ThreadId, text: string) => {
      const writer = await store.open(id);
      const events = turnOf(text);
      await writer.append(events);
      await writer.close();
      return events[0]?.turnId ?? TurnId.parse("");
    };

    describe.each(["paginated", "legacy"] as const)("of a %s thread", (historyMode) => {
      test("from one on: neither people nor the model see them again, and the thread goes on", async () => {
        const { id, first, second } = await threadOf({ historyMode }, "one", "two", "three");
        await store.rename(id, "named");
        const before = await store.load(id);
        const record = await store.revert(id, second);
        expect(record).toMatchObject({ id, preview: "one", name: "named", historyMode });
        const after = await store.load(id);
        expect(after.turns).toEqual(before.turns.slice(0, 1));
        expect(after.modelItems).toEqual(before.modelItems.slice(0, 2));
        expect(after.settings).toEqual(settings);
        expect(after.record).toMatchObject({
          createdAtMs: before.record.createdAtMs,
          sessionId: before.record.sessionId,
          path: record.path,
        });
        await add(id, "four");
        expect(await textsOf(id)).toEqual(answers("one", "four"));
        expect((await store.load(id)).turns[0]?.id).toBe(first);
        const listed = await store.list({
          archived: false,
          sortKey: "created_at",
          sortDirection: "desc",
          limit: 9,
        });
        expect(listed.data.map((row) => [row.id, row.preview, row.name])).toEqual([
          [id, "one", "named"],
        ]);
      });

      test("again and again, down to none", async () => {
        const { id, first, third } = await threadOf({ historyMode }, "one", "two", "three");
        await store.revert(id, third);
        const fourth = await add(id, "four");
        await add(id, "five");
        expect(await textsOf(id)).toEqual(answers("one", "two", "four", "five"));
        await store.revert(id, fourth);
        expect(await textsOf(id)).toEqual(answers("one", "two"));
        expect((await store.revert(id, first)).preview).toBe("one");
        expect(await textsOf(id)).toEqual([]);
        expect((await store.load(id)).modelItems).toEqual([]);
        expect(await store.find(id)).toMatchObject({ id, preview: "one" });
        await add(id, "six");
        expect(await textsOf(id)).toEqual(answers("six"));
      });

      test("down to none: what was said of the thread at its start stays, and so do later settings", async () => {
        const { id, first } = await threadOf(
          { historyMode, baseInstructions: "Be brief.", cwd: "/srv/start" },
          "one",
          "two",
          "three",
        );
        await store.revert(id, first);
        const start = { baseInstructions: "Be brief.", cwd: "/srv/start", historyMode };
        expect((await store.load(id)).record).toMatchObject(start);
        const writer = await store.open(id);
        await writer.append([{ kind: "settings", settings }]);
        await writer.close();
        const { cwd, model, modelProvider, effort, approvalPolicy } = settings;
        const kept = { cwd, model, modelProvider, effort, approvalPolicy };
        const { record, settings: loaded } = await store.load(id);
        expect(loaded).toMatchObject(kept);
        expect(record).toMatchObject(start);
        // read from nothing, not from what this store still has in mind
        const fork = metaOf({ cwd: "/srv/start" });
        await (await store.fork(id, fork)).close();
        expect((await store.load(fork.id)).settings).toMatchObject(kept);
      });

      test("a compaction among them is undone", async () => {
        const { id, third } = await threadOf({ historyMode }, "one", "two", "three");
        const { modelItems } = await store.load(id);
        const kept = {
          type: "message",
          role: "user",
          content: [{ type: "input_text", text: "S" }],
        };
        const writer = await store.open(id);
        await writer.append([{ kind: "compacted", turnId: third, summary: "S", items: [kept] }]);
        await writer.close();
        expect((await store.load(id)).modelItems).toEqual([kept]);
        await store.revert(id, third);
        expect((await store.load(id)).modelItems).toEqual(modelItems.slice(0, 4));
      });

      test("what was forked from it stays, and it can be forked again", async () => {
        const { id, second, third } = await threadOf({ historyMode }, "one", "two", "three");
        const earlier = metaOf({});
        await (await store.fork(id, earlier)).close();
        await store.revert(id, third);
        await add(id, "four");
        const later = metaOf({});
        await (await store.fork(id, later)).close();
        await store.revert(id, second);
        expect(await textsOf(earlier.id)).toEqual(answers("one", "two", "three"));
        expect(await textsOf(later.id)).toEqual(answers("one", "two", "four"));
        expect(await textsOf(id)).toEqual(answers("one"));
        // a fork can go back to before it left its source
        await store.revert(later.id, second);
        expect(await textsOf(later.id)).toEqual(answers("one"));
        await add(later.id, "five");
        expect(await textsOf(later.id)).toEqual(answers("one", "five"));
      });

      test("it can be archived, taken back and deleted afterwards", async () => {
        const { id, second } = await threadOf({ historyMode }, "one", "two", "three");
        await store.revert(id, second);
        expect(await store.setArchived(id, true)).toMatchObject({ id, archived: true });
        expect(await textsOf(id)).toEqual(answers("one"));
        expect(await store.setArchived(id, false)).toMatchObject({ id, archived: false });
        expect(await textsOf(id)).toEqual(answers("one"));
        await store.delete(id);
        expect(await store.find(id)).toBeUndefined();
        expect(await refusal(store.load(id))).toBe("notFound");
      });

      test("not of a thread that is written, not from an unknown turn, and then all is as it was", async () => {
        const { id, first, third } = await threadOf({ historyMode }, "one", "two", "three");
        const nobody = ThreadId.parse(uuidV7());
        expect(await refusal(store.revert(nobody, first))).toBe("notFound");
        expect(await refusal(store.revert(id, TurnId.parse(uuidV7())))).toBe("notFound");
        const writer = await store.open(id);
        expect(await refusal(store.revert(id, first))).toBe("busy");
        await writer.close();
        expect(await textsOf(id)).toEqual(answers("one", "two", "three"));
        await store.revert(id, third);
        expect(await refusal(store.revert(id, third))).toBe("notFound");
        expect(await textsOf(id)).toEqual(answers("one", "two"));
      });
    });
  });
}
