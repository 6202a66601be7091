import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ThreadId, TurnId } from "../../src/protocol/ids.ts";
import type { ForkCut, ThreadMeta, ThreadStore } from "../../src/store/port.ts";
import { uuidV7 } from "../../src/util/uuid-v7.ts";
import { metaOf, refusal, threadIn, turnOf } from "./thread-events.ts";
import type { StoreUnderTest } from "./thread-store.contract.ts";

/** What every backend of the thread store must do about forks. */
export function threadForkContract(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} forks threads`, () => {
    let made: StoreUnderTest;
    let store: ThreadStore;

    beforeEach(async () => {
      made = await make();
      ({ store } = made);
    });
    afterEach(async () => {
      await made.close();
    });

    const threadOf = (more: Partial<ThreadMeta>, ...texts: string[]) =>
      threadIn(store, more, ...texts);
    const previews = async () =>
      (
        await store.list({
          archived: false,
          sortKey: "created_at",
          sortDirection: "desc",
          limit: 9,
        })
      ).data.map(({ preview }) => preview);

    describe.each(["paginated", "legacy"] as const)("a fork of a %s thread", (historyMode) => {
      test("has the source's turns and its own after them; the source is untouched", async () => {
        const source = await threadOf({ historyMode }, "one", "two");
        await store.rename(source.id, "named");
        const meta = metaOf({ baseInstructions: "Be brief." });
        const writer = await store.fork(source.id, meta);
        const before = await store.load(source.id);
        const forked = await store.load(meta.id);
        expect(forked.turns).toEqual(before.turns);
        expect(forked.modelItems).toEqual(before.modelItems);
        expect(forked.settings).toEqual(before.settings);
        expect(forked.record).toMatchObject({
          id: meta.id,
          forkedFromId: source.id,
          historyMode,
          preview: "one",
          name: null,
          baseInstructions: "Be brief.",
          model: "mock-model",
        });
        expect((await previews()).toSorted()).toEqual(["one", "one"]);
        await writer.append(turnOf("three"));
        await writer.close();
        const again = await store.open(source.id);
        await again.append(turnOf("elsewhere"));
        await again.close();
        const texts = async (id: ThreadId) =>
          (await store.load(id)).turns.map(({ items }) => items[1]);
        expect(await texts(meta.id)).toMatchObject([
          { text: "answer to one" },
          { text: "answer to two" },
          { text: "answer to three" },
        ]);
        expect(await texts(source.id)).toMatchObject([
          { text: "answer to one" },
          { text: "answer to two" },
          { text: "answer to elsewhere" },
        ]);
      });

      test("leaves the source after a turn, or before one", async () => {
        const { id, turnIds } = await threadOf({ historyMode }, "one", "two", "three");
        const [first, second, third] = turnIds;
        if (!first || !second || !third) throw new Error("three turns were written");
        const cuts: [ForkCut, unknown[], string][] = [
          [{ lastTurnId: first }, [first], "one"],
          [{ beforeTurnId: third }, [first, second], "one"],
          [{ lastTurnId: third }, [first, second, third], "one"],
          [{ beforeTurnId: first }, [], ""],
        ];
        for (const [cut, expected, preview] of cuts) {
          const meta = metaOf({});
          const writer = await store.fork(id, meta, cut);
          await writer.close();
          const { turns, modelItems, record } = await store.load(meta.id);
          expect(turns.map((turn) => turn.id)).toEqual(expected);
          expect(modelItems).toHaveLength(expected.length * 2);
          expect(record.preview).toBe(preview);
        }
      });

      test("can be forked again, on either side of where it left", async () => {
        const source = await threadOf({ historyMode }, "one", "two");
        const middle = metaOf({});
        const writer = await store.fork(source.id, middle);
        await writer.append(turnOf("three"));
        await writer.close();
        const [first, , third] = (await store.load(middle.id)).turns.map((turn) => turn.id);
        if (!first || !third) throw new Error("three turns are there");
        for (const lastTurnId of [first, third]) {
          const meta = metaOf({});
          await (await store.fork(middle.id, meta, { lastTurnId })).close();
          const { turns, record } = await store.load(meta.id);
          expect(turns.at(-1)?.id).toBe(lastTurnId);
          expect(record).toMatchObject({ forkedFromId: middle.id, preview: "one" });
        }
      });

      test("in the middle of a turn ends that turn as interrupted, for the model too", async () => {
        const meta = metaOf({ historyMode });
        const source = store.create(meta);
        await source.append(turnOf("one"));
        const running = turnOf("two");
        await source.append(running.slice(0, 4));
        const own = metaOf({});
        const writer = await store.fork(meta.id, own);
        await source.append(running.slice(4));
        await writer.append(turnOf("three"));
        const { turns, modelItems } = await store.load(own.id);
        expect(turns.map(({ status, items }) => [status, items.length])).toEqual([
          ["completed", 2],
          ["interrupted", 1],
          ["completed", 2],
        ]);
        expect(JSON.stringify(modelItems[3])).toContain("<turn_aborted>");
        expect((await store.load(meta.id)).turns.map(({ status }) => status)).toEqual([
          "completed",
          "completed",
        ]);
        const unended = turnOf("four");
        await source.append(unended.slice(0, 4));
        const lastTurnId = unended[0]?.turnId;
        if (lastTurnId === undefined) throw new Error("a turn has a start");
        expect(await refusal(store.fork(meta.id, metaOf({}), { lastTurnId }))).toBe("busy");
        await Promise.all([writer.close(), source.close()]);
      });
    });

    test("an unknown source and an unknown turn are refused, and nothing is made", async () => {
      const { id } = await threadOf({}, "one");
      const lastTurnId = TurnId.parse(uuidV7());
      expect(await refusal(store.fork(id, metaOf({}), { lastTurnId }))).toBe("notFound");
      const nobody = ThreadId.parse(uuidV7());
      expect(await refusal(store.fork(nobody, metaOf({})))).toBe("notFound");
      expect(await previews()).toEqual(["one"]);
    });
  });
}
