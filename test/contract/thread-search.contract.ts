import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ThreadId } from "../../src/protocol/ids.ts";
import type { SearchQuery, ThreadMeta, ThreadStore } from "../../src/store/port.ts";
import { metaOf, refusal, threadIn, turnOf } from "./thread-events.ts";
import type { StoreUnderTest } from "./thread-store.contract.ts";

/** What every backend of the thread store must do to find what was said. */
export function threadSearchContract(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} finds what was said`, () => {
    let made: StoreUnderTest;
    let store: ThreadStore;
    let createdAtMs = Date.parse("2026-03-01T10:00:00Z");

    beforeEach(async () => {
      made = await make();
      ({ store } = made);
    });
    afterEach(async () => {
      await made.close();
    });

    const add = async (texts: readonly string[], more: Partial<ThreadMeta> = {}) => {
      createdAtMs += 1000;
      return (await threadIn(store, { createdAtMs, ...more }, ...texts)).id;
    };
    const say = async (id: ThreadId, text: string): Promise<void> => {
      const writer = await store.open(id);
      await writer.append(turnOf(text));
      await writer.close();
    };
    const search = (term: string, more: Partial<SearchQuery> = {}) =>
      store.search({
        term,
        archived: false,
        sortKey: "created_at",
        sortDirection: "desc",
        limit: 9,
        ...more,
      });
    const found = async (term: string, more: Partial<SearchQuery> = {}) =>
      (await search(term, more)).data.map(({ snippet }) => snippet);

    test.each(["paginated", "legacy"] as const)(
      "by people and by the agent, in any turn of a %s thread, whatever the case",
      async (historyMode) => {
        const id = await add(["A needle", "Straße and more"], { historyMode });
        await add(["elsewhere"], { historyMode });
        expect(await search("NEEDLE")).toMatchObject({
          data: [{ record: { id, preview: "A needle" }, snippet: "A needle" }],
          nextCursor: null,
        });
        expect(await found("answer to a")).toEqual(["answer to A needle"]);
        expect(await found("strasse")).toEqual(["Straße and more"]);
        expect(await found("no such words")).toEqual([]);
      },
    );

    test("with quotes, wildcards and other signs as they are", async () => {
      await add(['say "yes" to 100% of C:\\new_line*, (a AND b) NOT c\tthen']);
      for (const term of ['"yes"', "100%", "\\new_", "n.w_", "(a and B) not", "c\tthen"]) {
        expect(await found(term)).toHaveLength(term === "n.w_" ? 0 : 1);
      }
    });

    test("also one or two letters", async () => {
      await add(["xy marks it"]);
      await add(["nothing"]);
      expect(await found("xy")).toEqual(["xy marks it"]);
      expect(await found("z")).toEqual([]);
    });

    test("around the place where it stands, on one line", async () => {
      const text = `${"before ".repeat(20)}\n\n the  Place \n\n${"behind ".repeat(30)}`;
      await add([text]);
      const before = "before ".repeat(6).trim();
      const behind = "behind ".repeat(14).trim();
      expect(await found("place")).toEqual([
        `... ${before.slice(1)} the Place ${behind.slice(0, -4)} ...`,
      ]);
    });

    test("page by page, newest first or oldest first, by any time", async () => {
      const ids: ThreadId[] = [];
      for (const text of ["needle 1", "other", "needle 2", "needle 3"]) ids.push(await add([text]));
      const first = await search("needle", { limit: 2 });
      expect(first.data.map(({ snippet }) => snippet)).toEqual(["needle 3", "needle 2"]);
      const cursor = first.nextCursor ?? "";
      const second = await search("needle", { limit: 2, cursor });
      expect(second.data.map(({ snippet }) => snippet)).toEqual(["needle 1"]);
      expect(second.nextCursor).toBeNull();
      expect(await found("needle", { sortDirection: "asc", sortKey: "updated_at" })).toEqual([
        "needle 1",
        "needle 2",
        "needle 3",
      ]);
      expect(
        await found("needle", { cursor: second.backwardsCursor ?? "", sortDirection: "asc" }),
      ).toEqual(["needle 1", "needle 2", "needle 3"]);
      expect(await refusal(search("needle", { cursor: "junk" }))).toBe("badCursor");
    });

    test("in the threads that are asked for", async () => {
      const id = await add(["needle one"]);
      await add(["needle two"], { source: "cli" });
      expect(await found("needle", { sources: ["cli"] })).toEqual(["needle two"]);
      await store.setArchived(id, true);
      expect(await found("needle")).toEqual(["needle two"]);
      expect(await found("needle", { archived: true })).toEqual(["needle one"]);
      await store.setArchived(id, false);
      await store.delete(id);
      expect(await found("needle")).toEqual(["needle two"]);
    });

    test.each(["paginated", "legacy"] as const)(
      "as a %s thread is now: what was said since is found, what was taken back is not",
      async (historyMode) => {
        const id = await add(["first"], { historyMode });
        expect(await found("second")).toEqual([]);
        await say(id, "second");
        expect(await found("second")).toEqual(["second"]);
        await say(id, "third");
        const turns = (await store.load(id)).turns;
        const [, second] = turns;
        if (second === undefined) throw new Error("three turns were written");
        await store.revert(id, second.id);
        expect(await found("second")).toEqual([]);
        expect(await found("third")).toEqual([]);
        expect(await found("first")).toEqual(["first"]);
        await say(id, "fourth");
        expect(await found("fourth")).toEqual(["fourth"]);
        expect(await found("first")).toEqual(["first"]);
      },
    );

    test("while it is being written", async () => {
      const meta = metaOf({});
      const writer = store.create(meta);
      await writer.append(turnOf("under way"));
      expect(await found("under")).toEqual(["under way"]);
      await writer.close();
    });
  });
}
