import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ItemId, ThreadId, TurnId } from "../../src/protocol/ids.ts";
import type { ModelItem } from "../../src/protocol/model-item.ts";
import type { ThreadMeta, ThreadQuery, ThreadStore } from "../../src/store/port.ts";
import { uuidV7 } from "../../src/util/uuid-v7.ts";
import { metaOf, refusal, threadIn, turnOf } from "./thread-events.ts";

export interface StoreUnderTest {
  readonly store: ThreadStore;
  /** Moves the clock that dates what is written. */
  tick(ms: number): void;
  close(): Promise<void>;
}

const newest: ThreadQuery = {
  archived: false,
  sortKey: "created_at",
  sortDirection: "desc",
  limit: 2,
};

/** What every backend of the thread store must do. */
const spawned = (parentId: string, depth: number) => ({
  source: { subAgent: { thread_spawn: { parent_thread_id: parentId, depth } } },
});

export function threadStoreContract(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps threads`, () => {
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

    const add = async (text: string, more: Partial<ThreadMeta> = {}): Promise<ThreadId> => {
      createdAtMs += 1000;
      const meta = metaOf({ id: ThreadId.parse(uuidV7()), createdAtMs, ...more });
      const writer = store.create(meta);
      await writer.append(turnOf(text));
      await writer.close();
      return meta.id;
    };
    const previews = async (query: Partial<ThreadQuery>) => {
      const page = await store.list({ ...newest, ...query });
      return { ...page, data: page.data.map(({ preview }) => preview) };
    };

    const previewsOf = async (query: Partial<ThreadQuery>) =>
      (await previews({ limit: 9, ...query })).data;

    test("nothing is known of a thread before its first append", async () => {
      const meta = metaOf({});
      const writer = store.create(meta);
      expect(await store.find(meta.id)).toBeUndefined();
      expect(await refusal(store.load(meta.id))).toBe("notFound");
      expect(await refusal(store.open(meta.id))).toMatch(/notFound|busy/);
      expect((await store.list(newest)).data).toEqual([]);
      await writer.append(turnOf("hello"));
      expect((await store.list(newest)).data.map(({ id }) => id)).toEqual([meta.id]);
      await writer.close();
    });

    test("what was appended is loaded again, in order", async () => {
      const meta = metaOf({ baseInstructions: "Be brief." });
      const writer = store.create(meta);
      const events = turnOf("hello");
      await Promise.all([writer.append(events.slice(0, 3)), writer.append(events.slice(3))]);
      await writer.close();
      const history = await store.load(meta.id);
      expect(history.turns).toMatchObject([
        {
          status: "completed",
          itemsView: "full",
          items: [
            { type: "userMessage", content: [{ type: "text", text: "hello" }] },
            { type: "agentMessage", text: "answer to hello" },
          ],
        },
      ]);
      expect(history.modelItems).toEqual(
        events.flatMap((event) => (event.kind === "modelItem" ? [event.item] : [])),
      );
      expect(history.settings).toEqual(
        events.find((event) => event.kind === "turnSettings")?.settings,
      );
      expect(history.usage?.total.totalTokens).toBe(130);
      expect(history.usageTurnId).toBe(history.turns[0]?.id);
      expect(history.record).toMatchObject({ ...meta, preview: "hello", model: "mock-model" });
    });

    test("a turn without an end reads interrupted, and the thread goes on", async () => {
      const meta = metaOf({});
      const first = store.create(meta);
      await first.append(turnOf("cut short").slice(0, 4));
      await first.close();
      const second = await store.open(meta.id);
      await second.append(turnOf("again"));
      await second.close();
      expect((await store.load(meta.id)).turns.map(({ status }) => status)).toEqual([
        "interrupted",
        "completed",
      ]);
    });

    test("a compaction replaces what the model is sent, and nothing of what people see", async () => {
      const meta = metaOf({});
      const writer = store.create(meta);
      const [started, ...rest] = turnOf("long talk");
      if (started === undefined) throw new Error("a turn has a start");
      const { turnId } = started;
      const kept = { type: "message", role: "user", content: [{ type: "input_text", text: "S" }] };
      const later = { type: "message", role: "user", content: [] };
      await writer.append([started, ...rest]);
      await writer.append([
        { kind: "compacted", turnId, summary: "S", items: [kept] },
        { kind: "modelItem", turnId: null, item: later },
      ]);
      await writer.close();
      const history = await store.load(meta.id);
      expect(history.modelItems).toEqual([kept, later]);
      expect(history.turns.map(({ items }) => items.length)).toEqual([2]);
    });

    test("settings that were changed between turns come back", async () => {
      const meta = metaOf({});
      const writer = store.create(meta);
      const events = turnOf("hello");
      await writer.append(events);
      const before = events.find((event) => event.kind === "turnSettings")?.settings;
      if (before === undefined) throw new Error("a turn has settings");
      const settings = { ...before, model: "another", effort: null, cwd: "/elsewhere" };
      await writer.append([{ kind: "settings", settings }]);
      await writer.close();
      expect((await store.load(meta.id)).settings).toEqual(settings);
      expect(await store.find(meta.id)).toMatchObject({ model: "another", effort: null });
    });

    test("one thread has one writer", async () => {
      const meta = metaOf({});
      const writer = store.create(meta);
      await writer.append(turnOf("mine"));
      expect(await refusal(store.open(meta.id))).toBe("busy");
      await writer.close();
      const next = await store.open(meta.id);
      await next.close();
    });

    test("pages follow each other in both directions while the list grows", async () => {
      for (const text of ["a", "b", "c", "d", "e"]) await add(text);
      const first = await previews({});
      expect(first.data).toEqual(["e", "d"]);
      await add("f");
      const second = await previews({ cursor: first.nextCursor ?? "" });
      expect(second.data).toEqual(["c", "b"]);
      const third = await previews({ cursor: second.nextCursor ?? "" });
      expect({ ...third, backwardsCursor: "" }).toEqual({
        data: ["a"],
        nextCursor: null,
        backwardsCursor: "",
      });
      const back = await previews({ cursor: third.backwardsCursor ?? "", sortDirection: "asc" });
      expect(back.data).toEqual(["a", "b"]);
      const newer = await previews({ cursor: first.backwardsCursor ?? "", sortDirection: "asc" });
      expect(newer).toMatchObject({ data: ["e", "f"], nextCursor: null });
    });

    test("threads of the same millisecond are neither doubled nor lost", async () => {
      for (const text of ["a", "b", "c"]) await add(text, { createdAtMs: 1_700_000_000_000 });
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<typeof previews>> = await previews({
          limit: 1,
          ...(cursor === null ? {} : { cursor }),
        });
        seen.push(...page.data);
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(seen.toSorted()).toEqual(["a", "b", "c"]);
    });

    test("a cursor that is none is refused", async () => {
      for (const cursor of ["bad", "", "2026-13-01T00:00:00Z|x", "2026-01-01"]) {
        expect(await refusal(store.list({ ...newest, cursor }))).toBe("badCursor");
      }
    });

    test("lists can be narrowed", async () => {
      await add("one", { cwd: "/a", modelProvider: "p1", source: "cli" });
      await add("two", { cwd: "/b", modelProvider: "p2", source: { subAgent: "review" } });
      expect(await previewsOf({ cwds: ["/a"] })).toEqual(["one"]);
      expect(await previewsOf({ cwds: [] })).toEqual([]);
      expect(await previewsOf({ modelProviders: ["p2", "p3"] })).toEqual(["two"]);
      expect(await previewsOf({ sources: ["cli", "vscode"] })).toEqual(["one"]);
      expect(await previewsOf({ sources: ["subAgent"] })).toEqual(["two"]);
    });

    test("a list knows which agent began a thread, at any depth", async () => {
      const top = await add("top");
      const child = await add("child", spawned(top, 1));
      await add("grandchild", spawned(child, 2));
      await add("review", { source: { subAgent: "review" } });
      expect(await previewsOf({ parentId: top })).toEqual(["child"]);
      expect((await previewsOf({ ancestorId: top })).toSorted()).toEqual(["child", "grandchild"]);
      expect(await previewsOf({ ancestorId: top, excludedIds: [child] })).toEqual(["grandchild"]);
      expect(await previewsOf({ sources: ["subAgentReview"] })).toEqual(["review"]);
      expect(await previewsOf({ sources: ["subAgentCompact", "unknown"] })).toEqual([]);
      expect((await previewsOf({ sources: ["subAgent"] })).length).toBe(3);
    });

    test("search looks into preview and name and minds the case", async () => {
      const id = await add("Fix the parser");
      await add("write docs");
      await store.rename(id, "Blue whale");
      expect(await previewsOf({ searchTerm: "parser" })).toEqual(["Fix the parser"]);
      expect(await previewsOf({ searchTerm: "Blue" })).toEqual(["Fix the parser"]);
      expect(await previewsOf({ searchTerm: "blue" })).toEqual([]);
      expect(await previewsOf({ searchTerm: "100%" })).toEqual([]);
    });

    test("a name given before the first message is kept", async () => {
      const meta = metaOf({});
      const writer = store.create(meta);
      await store.rename(meta.id, "early");
      await writer.append(turnOf("hello"));
      expect((await store.find(meta.id))?.name).toBe("early");
      await writer.close();
      await store.rename(meta.id, "late");
      expect((await store.find(meta.id))?.name).toBe("late");
      expect(await refusal(store.rename(ThreadId.parse(uuidV7()), "x"))).toBe("notFound");
    });

    test("an archived thread leaves the list and comes back", async () => {
      const id = await add("old");
      const archived = await store.setArchived(id, true);
      expect(archived.archived).toBe(true);
      expect((await previews({})).data).toEqual([]);
      expect((await previews({ archived: true })).data).toEqual(["old"]);
      expect((await store.load(id)).turns).toHaveLength(1);
      await store.setArchived(id, false);
      expect((await previews({})).data).toEqual(["old"]);
    });

    test("a thread can be archived while it is open, and is written on", async () => {
      const meta = metaOf({});
      const writer = store.create(meta);
      await writer.append(turnOf("one"));
      await store.setArchived(meta.id, true);
      await writer.append(turnOf("two"));
      await writer.close();
      expect((await store.load(meta.id)).turns).toHaveLength(2);
      expect((await store.find(meta.id))?.archived).toBe(true);
      const again = await store.open(meta.id);
      await store.setArchived(meta.id, false);
      expect((await store.find(meta.id))?.archived).toBe(false);
      await again.close();
    });

    test("the preview is what a person wrote first", async () => {
      const meta = metaOf({});
      const writer = store.create(meta);
      const instructions = {
        kind: "modelItem",
        turnId: turnOf("x")[0]?.turnId ?? meta.id,
        item: {
          type: "message",
          role: "user",
          content: [{ type: "input_text", text: "# AGENTS" }],
        },
      } as const;
      const [started, ...rest] = turnOf("  the wish\nin two lines ");
      if (started === undefined) throw new Error("a turn has a start");
      await writer.append([started, { ...instructions, turnId: started.turnId }, ...rest]);
      await writer.append(turnOf("later"));
      await writer.close();
      expect((await store.find(meta.id))?.preview).toBe("the wish\nin two lines");
    });

    const threadOf = (more: Partial<ThreadMeta>, ...texts: string[]) =>
      threadIn(store, more, ...texts);

    test.each(["paginated", "legacy"] as const)(
      "after a compaction the model is sent what it made, people see all of a %s thread",
      async (historyMode) => {
        const { id } = await threadOf({ historyMode }, "one", "two");
        const turnId = TurnId.parse(uuidV7());
        const replacement: ModelItem[] = [
          { type: "message", role: "user", content: [{ text: "in short" }] },
        ];
        const itemId = ItemId.parse(uuidV7());
        const at = { turnId, startedAtMs: 1_772_355_700_000 };
        const writer = await store.open(id);
        await writer.append([
          { kind: "turnStarted", ...at },
          { kind: "compacted", turnId, summary: "in short", items: replacement },
          {
            kind: "itemCompleted",
            turnId,
            item: { type: "contextCompaction", id: itemId, startedAtMs: null, completedAtMs: null },
          },
          {
            kind: "turnEnded",
            ...at,
            status: "completed",
            completedAtMs: at.startedAtMs + 1,
            lastAgentMessage: null,
          },
        ]);
        await writer.append(turnOf("three"));
        await writer.close();
        const { turns, modelItems } = await store.load(id);
        expect(turns.map(({ items }) => items.map(({ type }) => type))).toEqual([
          ["userMessage", "agentMessage"],
          ["userMessage", "agentMessage"],
          ["contextCompaction"],
          ["userMessage", "agentMessage"],
        ]);
        expect(modelItems.slice(0, 1)).toEqual(replacement);
        expect(modelItems).toHaveLength(3);
      },
    );

    test("a deleted thread is gone, open, closed or archived", async () => {
      const open = metaOf({});
      const writer = store.create(open);
      await writer.append(turnOf("open"));
      const closed = await threadOf({}, "closed");
      const archived = await threadOf({}, "archived");
      await store.setArchived(archived.id, true);
      await store.rename(closed.id, "named");
      for (const id of [open.id, closed.id, archived.id]) {
        await store.delete(id);
        expect(await store.find(id)).toBeUndefined();
        expect(await refusal(store.load(id))).toBe("notFound");
        expect(await refusal(store.delete(id))).toBe("notFound");
      }
      expect(await previewsOf({})).toEqual([]);
      expect(await previewsOf({ archived: true })).toEqual([]);
    });

    test("what is known of the repository can be replaced and taken away", async () => {
      const gitInfo = { sha: "def", branch: "next", originUrl: "https://example.org/r.git" };
      const { id } = await threadOf({}, "one");
      expect((await store.setGitInfo(id, gitInfo)).gitInfo).toEqual(gitInfo);
      const writer = await store.open(id);
      expect((await store.load(id)).record.gitInfo).toEqual(gitInfo);
      expect((await store.setGitInfo(id, null)).gitInfo).toBeNull();
      await writer.append(turnOf("two"));
      await writer.close();
      expect((await store.find(id))?.gitInfo).toBeNull();
      expect((await store.load(id)).turns).toHaveLength(2);
      expect(await refusal(store.setGitInfo(ThreadId.parse(uuidV7()), null))).toBe("notFound");
    });
  });
}
