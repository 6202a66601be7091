import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ThreadId } from "../../src/protocol/ids.ts";
import type { NoteDraft, NoteKind, ThreadQuery, ThreadStore } from "../../src/store/port.ts";
import { uuidV7 } from "../../src/util/uuid-v7.ts";
import { metaOf, refusal, threadIn, turnOf } from "./thread-events.ts";
import type { StoreUnderTest } from "./thread-store.contract.ts";

const kindOf = (name: string): NoteKind<readonly string[]> => ({
  name,
  parse: (value) => {
    if (!Array.isArray(value)) throw new Error("not a list");
    return value.map(String);
  },
});
const colours = kindOf("colours");
const others = kindOf("others");

/** Adds one more to what is there. */
const adding =
  (word: string, labels: NoteDraft<unknown>["labels"] = []) =>
  (before: readonly string[] | undefined): NoteDraft<readonly string[]> => ({
    value: [...(before ?? []), word],
    labels,
  });

/** What every backend must do with the notes beside threads. */
export function threadNotesContract(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps notes beside threads`, () => {
    let made: StoreUnderTest;
    let store: ThreadStore;
    beforeEach(async () => {
      made = await make();
      ({ store } = made);
    });
    afterEach(() => made.close());

    const thread = async (text: string): Promise<ThreadId> => (await threadIn(store, {}, text)).id;

    const list = async (query: Partial<ThreadQuery>) => {
      const page = await store.list({
        archived: false,
        sortKey: "note_position",
        sortDirection: "asc",
        limit: 2,
        ...query,
      });
      return { ...page, data: page.data.map(({ preview }) => preview) };
    };

    test("a note is read as it was last made, one of each kind", async () => {
      const id = await thread("a");
      expect(await store.notes.read(id, colours)).toBeUndefined();
      await store.notes.change(id, colours, adding("red"));
      await store.notes.change(id, colours, adding("blue"));
      await store.notes.change(id, others, adding("x"));
      expect(await store.notes.read(id, colours)).toEqual(["red", "blue"]);
      expect(await store.notes.read(id, others)).toEqual(["x"]);
      expect(await store.notes.read(await thread("b"), colours)).toBeUndefined();
    });

    test("the notes of many threads are read at once", async () => {
      const [a, b, c] = [await thread("a"), await thread("b"), await thread("c")];
      await store.notes.change(a, colours, adding("red"));
      await store.notes.change(c, colours, adding("blue"));
      await store.notes.change(b, others, adding("x"));
      const unknown = ThreadId.parse(uuidV7());
      expect(await store.notes.readAll([b, c, unknown, a], colours)).toEqual(
        new Map([
          [a, ["red"]],
          [c, ["blue"]],
        ]),
      );
      expect(await store.notes.readAll([], colours)).toEqual(new Map());
    });

    test("no change of many at once is lost", async () => {
      const id = await thread("a");
      const words = Array.from({ length: 20 }, (_, at) => String(at));
      await Promise.all(words.map((word) => store.notes.change(id, colours, adding(word))));
      const kept = await store.notes.read(id, colours);
      expect(kept?.toSorted()).toEqual(words.toSorted());
    });

    test("what a change throws leaves the note as it was", async () => {
      const id = await thread("a");
      await store.notes.change(id, colours, adding("red", [{ label: "warm" }]));
      const failing = store.notes.change(id, colours, () => {
        throw new RangeError("no");
      });
      await expect(failing).rejects.toBeInstanceOf(RangeError);
      expect(await store.notes.find(colours, "warm")).toEqual([
        { threadId: id, archived: false, value: ["red"] },
      ]);
    });

    test("a note is taken away, and goes with its thread", async () => {
      const [a, b] = [await thread("a"), await thread("b")];
      for (const id of [a, b])
        await store.notes.change(id, colours, adding("red", [{ label: "warm" }]));
      await store.notes.change(a, colours, () => undefined);
      expect(await store.notes.read(a, colours)).toBeUndefined();
      await store.delete(b);
      expect(await store.notes.read(b, colours)).toBeUndefined();
      expect(await store.notes.find(colours)).toEqual([]);
      expect(await store.notes.find(colours, "warm")).toEqual([]);
    });

    test("a thread of which nothing is written has none", async () => {
      const unknown = ThreadId.parse(uuidV7());
      expect(await refusal(store.notes.change(unknown, colours, adding("red")))).toBe("notFound");
      const meta = metaOf({});
      const writer = store.create(meta);
      expect(await refusal(store.notes.change(meta.id, colours, adding("red")))).toBe("notFound");
      await writer.append([]);
      await store.notes.change(meta.id, colours, adding("blue"));
      expect(await store.notes.read(meta.id, colours)).toEqual(["blue"]);
      await writer.close();
    });

    test("a thread that is open has notes too", async () => {
      const meta = metaOf({});
      const writer = store.create(meta);
      await writer.append(turnOf("hello"));
      await store.notes.change(meta.id, colours, adding("red"));
      await writer.close();
      expect(await store.notes.read(meta.id, colours)).toEqual(["red"]);
    });

    test("the store as a whole has notes of its own, which no search finds", async () => {
      await store.notes.change(null, colours, adding("red"));
      await store.notes.change(null, colours, adding("blue"));
      expect(await store.notes.read(null, colours)).toEqual(["red", "blue"]);
      expect(await store.notes.find(colours)).toEqual([]);
      await store.notes.change(null, colours, () => undefined);
      expect(await store.notes.read(null, colours)).toBeUndefined();
    });

    test("a search finds the threads of a kind, or of a label by their places", async () => {
      const [a, b, c] = [await thread("a"), await thread("b"), await thread("c")];
      await store.notes.change(a, colours, adding("red", [{ label: "warm", position: 30 }]));
      await store.notes.change(b, colours, adding("blue", [{ label: "cold" }]));
      await store.notes.change(
        c,
        colours,
        adding("pink", [{ label: "warm", position: 20 }, { label: "cold" }]),
      );
      await store.notes.change(b, others, adding("x", [{ label: "warm" }]));
      await store.setArchived(c, true);
      const found = async (label?: string) =>
        (await store.notes.find(colours, label)).map(({ threadId }) => threadId);
      expect(await found()).toEqual([a, b, c]);
      expect(await found("warm")).toEqual([c, a]);
      expect(await found("cold")).toEqual([b, c]);
      expect(await found("loud")).toEqual([]);
      expect((await store.notes.find(colours, "warm"))[0]).toEqual({
        threadId: c,
        archived: true,
        value: ["pink"],
      });
      await store.notes.change(c, colours, adding("grey", [{ label: "cold", position: 1 }]));
      expect(await found("warm")).toEqual([a]);
      expect(await found("cold")).toEqual([b, c]);
    });

    test("a list holds the threads of a label, by their places too, or those without a note", async () => {
      const ids = [];
      for (const text of ["a", "b", "c", "d"]) {
        ids.push(await thread(text));
        made.tick(1000);
      }
      for (const [at, position] of [30, 10, 20].entries()) {
        const id = ids[at];
        if (id) await store.notes.change(id, colours, adding("x", [{ label: "warm", position }]));
      }
      const warm = { kind: "colours", label: "warm" };
      const first = await list({ noted: warm });
      expect(first.data).toEqual(["b", "c"]);
      const second = await list({ noted: warm, cursor: first.nextCursor ?? "" });
      expect([second.data, second.nextCursor]).toEqual([["a"], null]);
      const back = await list({
        noted: warm,
        sortDirection: "desc",
        cursor: second.backwardsCursor ?? "",
      });
      expect(back.data).toEqual(["a", "c"]);
      const newest = { sortKey: "created_at", sortDirection: "desc", limit: 9 } as const;
      const byAge = await list({ ...newest, noted: warm });
      expect(byAge.data.toSorted()).toEqual(["a", "b", "c"]);
      expect((await list({ ...newest, noted: { ...warm, label: null } })).data).toEqual(["d"]);
      expect((await list({ ...newest, noted: { ...warm, label: "loud" } })).data).toEqual([]);
    });

    test("what is no such note is refused as corrupt", async () => {
      const id = await thread("a");
      await store.notes.change(id, { name: "colours", parse: String }, () => ({ value: "red" }));
      expect(await refusal(store.notes.read(id, colours))).toBe("corrupt");
    });
  });
}
