import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { useHostBench } from "../helpers/host-bench.ts";
import { WebSocket } from "ws";
import { say } from "../helpers/mock-model.ts";
import { HostClient } from "../helpers/running-host.ts";

const begin = useHostBench({ top: 'approval_policy = "never"' });

const nobody = "00000000-0000-4000-8000-000000000000";

async function bench() {
  const { model, homes, host, client } = await begin();
  const thread = async (params: object = {}): Promise<string> => {
    const started = await client.call("thread/start", { cwd: homes.cwd, ...params });
    return String(Object(started["thread"]).id);
  };
  /** A turn to its end; its id. */
  const turn = async (threadId: string, text: string, reply: string): Promise<string> => {
    model.enqueue(say(reply));
    const input = [{ type: "text", text, text_elements: [] }];
    const started = await client.call("turn/start", { threadId, input });
    const id = String(Object(started["turn"]).id);
    await client.until(
      ({ method, params }) => method === "turn/completed" && Object(params?.["turn"]).id === id,
    );
    return id;
  };
  return { model, homes, host, client, thread, turn };
}

describe("memories", () => {
  it("of a thread can be forbidden, also before anything was said in it", async () => {
    const { client, thread } = await bench();
    const threadId = await thread();
    for (const mode of ["disabled", "enabled"]) {
      expect(await client.call("thread/memoryMode/set", { threadId, mode })).toEqual({});
    }
    await expect(
      client.call("thread/memoryMode/set", { threadId: nobody, mode: "enabled" }),
    ).rejects.toThrow(`-32600 no rollout found for thread id ${nobody}`);
    const ephemeral = await thread({ ephemeral: true });
    await expect(
      client.call("thread/memoryMode/set", { threadId: ephemeral, mode: "enabled" }),
    ).rejects.toThrow(`ephemeral thread does not support metadata updates: ${ephemeral}`);
    expect(await client.call("thread/memory/read", { threadId })).toEqual({ summary: null });
    await expect(client.call("thread/memory/read", { threadId: nobody })).rejects.toThrow(
      `thread not found: ${nobody}`,
    );
  });

  it("are made of no thread here", async () => {
    const { client } = await bench();
    expect(await client.call("memory/status", {})).toEqual({
      v2ConsolidatedThreads: 0,
      v2Ready: false,
    });
    await expect(client.call("memory/status", { minConsolidatedThreads: 4097 })).rejects.toThrow(
      "-32602 minConsolidatedThreads must be between 1 and 4096",
    );
  });

  it("are removed from the Codex home, but nothing behind a link", async () => {
    const { client, homes } = await bench();
    expect(await client.call("memory/reset")).toEqual({});
    const folder = join(homes.codexHome, "memories");
    mkdirSync(join(folder, "deep"), { recursive: true });
    writeFileSync(join(folder, "deep", "one.md"), "x");
    const other = join(homes.root, "other");
    mkdirSync(other);
    writeFileSync(join(other, "kept.md"), "x");
    symlinkSync(other, join(folder, "link"));
    expect(await client.call("memory/reset")).toEqual({});
    expect(readdirSync(folder)).toEqual([]);
    expect(readdirSync(other)).toEqual(["kept.md"]);
  });
});

describe("what was said", () => {
  it("is found over all threads, also by those who may only watch, in the scope of each", async () => {
    const { client, host, thread, turn } = await bench();
    const first = await thread();
    await turn(first, "a needle", "an answer");
    const second = await thread();
    await turn(second, "else", "the NEEDLE in an answer");
    const { data } = await client.call("thread/search", { searchTerm: " needle " });
    expect(data).toMatchObject([
      { thread: { id: second, status: { type: "idle" } }, snippet: "the NEEDLE in an answer" },
      { thread: { id: first, preview: "a needle" }, snippet: "a needle" },
    ]);
    const viewer = await HostClient.connectAs("viewer", host, client);
    const page = await viewer.call("thread/search", { searchTerm: "needle", limit: 1 });
    expect(page).toMatchObject({ data: [{ thread: { id: second } }] });
    const cursor = page["nextCursor"];
    expect(await viewer.call("thread/search", { searchTerm: "needle", cursor })).toMatchObject({
      data: [{ thread: { id: first } }],
      nextCursor: null,
    });
    for (const searchTerm of ["", "  "]) {
      await expect(client.call("thread/search", { searchTerm })).rejects.toThrow(
        "-32600 thread/search requires a non-empty searchTerm",
      );
    }
    await expect(client.call("thread/search", { searchTerm: "x", cursor: "junk" })).rejects.toThrow(
      "-32600 invalid cursor: junk",
    );
    const { token } = await client.call("farhelm/token/issue", {
      name: "scoped",
      role: "viewer",
      ttlMs: 60_000,
    });
    const listed = await client.call("farhelm/devices/list");
    const device = Object(listed["data"]).find(({ name }: { name: string }) => name === "scoped");
    await client.call("farhelm/devices/change", { id: device.id, scope: { threads: [first] } });
    const headers = { authorization: `Bearer ${String(token)}` };
    const scoped = await HostClient.initialized(
      new WebSocket(host.url.replace("http", "ws"), { headers }),
    );
    expect(
      Object((await scoped.call("thread/search", { searchTerm: "needle" }))["data"]),
    ).toMatchObject([{ thread: { id: first } }]);
    await expect(
      scoped.call("thread/searchOccurrences", { threadId: second, searchTerm: "needle" }),
    ).rejects.toThrow("-32601 thread/searchOccurrences is not supported yet");
  });

  it("is found place by place in one thread, and leads to its turn", async () => {
    const { client, thread, turn } = await bench();
    const threadId = await thread();
    await turn(threadId, "nothing", "here");
    const turnId = await turn(threadId, "needle and needle", "no Needle");
    const params = { threadId, searchTerm: "needle", limit: 2 };
    const page = await client.call("thread/searchOccurrences", params);
    expect(page["data"]).toMatchObject([
      { turnId, snippet: "needle and needle", snippetMatchRange: { start: 0, end: 6 } },
      { turnId, snippet: "needle and needle", snippetMatchRange: { start: 11, end: 17 } },
    ]);
    const { nextCursor: cursor } = page;
    const rest = await client.call("thread/searchOccurrences", { ...params, cursor });
    expect(rest).toMatchObject({
      data: [{ turnId, snippet: "no Needle", snippetMatchRange: { start: 3, end: 9 } }],
      nextCursor: null,
    });
    const { turnCursor } = Object(rest["data"])[0];
    const turns = await client.call("thread/turns/list", {
      threadId,
      cursor: turnCursor,
      sortDirection: "asc",
    });
    expect(turns["data"]).toMatchObject([{ id: turnId }]);
    const other = { ...params, searchTerm: "nothing", cursor };
    await expect(client.call("thread/searchOccurrences", other)).rejects.toThrow(
      `-32600 invalid cursor: ${String(cursor)}`,
    );
    await expect(
      client.call("thread/searchOccurrences", { threadId, searchTerm: " " }),
    ).rejects.toThrow("-32600 thread/searchOccurrences requires a non-empty searchTerm");
    for (const unknown of [nobody, await thread(), await thread({ ephemeral: true })]) {
      await expect(
        client.call("thread/searchOccurrences", { threadId: unknown, searchTerm: "x" }),
      ).rejects.toThrow("-32601 thread/searchOccurrences is not supported yet");
    }
  });
});

describe("items", () => {
  it("are read by their ids, in their order, those that are there", async () => {
    const { client, thread, turn } = await bench();
    const threadId = await thread();
    const turnId = await turn(threadId, "question", "answer");
    await turn(threadId, "more", "words");
    const { data } = await client.call("thread/items/list", { threadId });
    const [question, answer, later] = Object(data);
    const read = async (itemIds: readonly string[], of: string = turnId) =>
      (await client.call("thread/items/read", { threadId, turnId: of, itemIds }))["data"];
    expect(await read([answer.item.id, question.item.id, "nope", answer.item.id])).toEqual([
      question,
      answer,
    ]);
    expect(await read([later.item.id])).toEqual([]);
    expect(await read([question.item.id], "nope")).toEqual([]);
    for (const itemIds of [[], Array.from({ length: 101 }, (_, n) => `i${n}`)]) {
      await expect(read(itemIds)).rejects.toThrow("-32600 itemIds must contain 1 to 100 IDs");
    }
    await expect(
      client.call("thread/items/read", { threadId: nobody, turnId, itemIds: ["x"] }),
    ).rejects.toThrow("-32601 thread/items/read is not supported yet");
  });

  it("stand in a timeline with the beginnings and ends of their turns, from its end backwards", async () => {
    const { client, thread, turn } = await bench();
    const threadId = await thread();
    const turnIds = [await turn(threadId, "one", "1"), await turn(threadId, "two", "2")];
    const whole = await client.call("thread/timeline/list", { threadId });
    expect(whole).toMatchObject({ nextCursor: null, activeRealtimeSessionAtPageStart: null });
    expect(whole["data"]).toMatchObject(
      turnIds.flatMap((turnId, index) => [
        { type: "turnStarted", position: index * 4, turn_id: turnId },
        { type: "item", position: index * 4 + 1, turnId, item: { type: "userMessage" } },
        { type: "item", position: index * 4 + 2, turnId, item: { type: "agentMessage" } },
        {
          type: "turnCompleted",
          position: index * 4 + 3,
          turn_id: turnId,
          status: "completed",
          error: null,
        },
      ]),
    );
    const last = await client.call("thread/timeline/list", { threadId, limit: 3 });
    const before = await client.call("thread/timeline/list", {
      threadId,
      cursor: last["nextCursor"],
    });
    expect([...Object(before["data"]), ...Object(last["data"])]).toEqual(whole["data"]);
    await expect(client.call("thread/timeline/list", { threadId, cursor: "junk" })).rejects.toThrow(
      "-32600 invalid thread timeline cursor",
    );
    await expect(client.call("thread/timeline/list", { threadId: nobody })).rejects.toThrow(
      "-32601 thread/timeline/list is not supported yet",
    );
  });
});
