import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unasked, useHostBench } from "../helpers/host-bench.ts";
import { deferred } from "../../src/util/deferred.ts";
import {
  answer,
  cutAfter,
  functionCall,
  messageSteps,
  refusal,
  say,
} from "../helpers/mock-model.ts";
import { escalatedCommand } from "../helpers/prompted-model.ts";
import type { Homes } from "../helpers/running-host.ts";
import { HostClient, startOn, stop } from "../helpers/running-host.ts";
import type { Sent } from "../helpers/text-frames.ts";

const bench = useHostBench({ top: unasked });

/** What the deltas of the thread's messages add up to, per item. */
const streamed = (events: readonly Sent[]): Readonly<Record<string, string>> => {
  const texts: Record<string, string> = {};
  for (const { method, params } of events) {
    if (method !== "item/agentMessage/delta") continue;
    const id = String(params?.["itemId"]);
    texts[id] = (texts[id] ?? "") + String(params?.["delta"]);
  }
  return texts;
};

const itemsOf = (turn: unknown): readonly Readonly<Record<string, unknown>>[] => Object(turn).items;
const completedItems = (client: HostClient, threadId: string) =>
  client
    .eventsOf(threadId)
    .filter(({ method }) => method === "item/completed")
    .map(({ params }) => Object(params?.["item"]));

/** The thread's text as a client shows it that resumed in the middle: the snapshot and all deltas since. */
const shown = (
  resumed: Readonly<Record<string, unknown>>,
  itemId: string,
  later: readonly Sent[],
): string => {
  const items = Object(resumed["thread"]).turns.flatMap(itemsOf);
  const before = items.find(({ id }: { id: string }) => id === itemId)?.text ?? "";
  return before + (streamed(later)[itemId] ?? "");
};

const isAsk = ({ method }: Sent): boolean => method === "item/commandExecution/requestApproval";

const hasDelta =
  (word: string | undefined) =>
  ({ method, params }: Sent) =>
    method === "item/agentMessage/delta" && params?.["delta"] === word;

const resumeOn = async (homes: Homes, threadId: string) => {
  await startOn(homes);
  const client = await HostClient.connect(homes);
  return { client, resumed: await client.call("thread/resume", { threadId }) };
};

describe("a conversation with an endpoint", () => {
  it("streams, runs two tools of one answer, and survives a cut stream, a 500 and a 429", async () => {
    const { model, homes, client } = await bench();
    model.enqueue(
      answer(
        ...functionCall("exec_command", { cmd: "echo one" }, "call_1"),
        ...functionCall("exec_command", { cmd: "printf two > made.txt; cat made.txt" }, "call_2"),
      ),
      cutAfter("this is never "),
      refusal(500),
      refusal(429, { "retry-after": "0" }),
      say("All ", "is ", "done — “quoted” \u{1F600}."),
    );
    const threadId = await client.startThread();
    const turnId = await client.startTurn(threadId, "run both");
    const ended = await client.turnEnded(turnId);
    expect(ended.params?.["turn"]).toMatchObject({ status: "completed", error: null });

    const items = completedItems(client, threadId);
    expect(items.map(({ type }) => type)).toEqual([
      "userMessage",
      "commandExecution",
      "commandExecution",
      "agentMessage",
    ]);
    expect(
      items
        .slice(1, 3)
        .map(({ status, exitCode, aggregatedOutput }) => [status, exitCode, aggregatedOutput]),
    ).toEqual([
      ["completed", 0, "one\n"],
      ["completed", 0, "two"],
    ]);
    expect(readFileSync(join(homes.cwd, "made.txt"), "utf8")).toBe("two");
    const { id, text } = items[3] ?? {};
    expect(text).toBe("All is done — “quoted” \u{1F600}.");
    expect(streamed(client.eventsOf(threadId))[id]).toBe(text);

    const retries = client.eventsOf(threadId).filter(({ method }) => method === "error");
    expect(retries.map(({ params }) => params?.["willRetry"])).toEqual([true, true, true]);
    expect(model.requests.length).toBe(5);
    const { input } = model.requests[4]?.body ?? {};
    const types = Array.isArray(input) ? input.map((item) => Object(item).type) : [];
    expect(types.filter((type) => String(type).includes("call"))).toEqual([
      "function_call",
      "function_call_output",
      "function_call",
      "function_call_output",
    ]);
    const read = await client.call("thread/read", { threadId, includeTurns: true });
    expect(Object(read["thread"]).turns[0].items).toEqual(items);
  });

  it("answers before it tells, and ends with usage, status and turn/completed", async () => {
    const { model, client } = await bench();
    model.enqueue(say("hi"));
    const threadId = await client.startThread();
    const turnId = await client.startTurn(threadId, "hello");
    await client.turnEnded(turnId);
    const trace = client.sent.map(({ method, id }) => method ?? id);
    expect(trace.slice(trace.indexOf("r1"))).toEqual([
      "r1",
      "thread/started",
      "r2",
      "warning",
      "thread/status/changed",
      "turn/started",
      "item/started",
      "item/completed",
      "item/started",
      "item/agentMessage/delta",
      "item/completed",
      "thread/tokenUsage/updated",
      "thread/readState/changed",
      "thread/status/changed",
      "turn/completed",
    ]);
  });

  it("tells of an endpoint that refuses, and the thread goes on", async () => {
    const { model, client } = await bench();
    model.enqueue(
      refusal(400, {}, { message: "no such model", code: "model_not_found" }),
      say("now"),
    );
    const threadId = await client.startThread();
    const first = await client.turnEnded(await client.startTurn(threadId, "hello"));
    expect(first.params?.["turn"]).toMatchObject({ status: "failed" });
    const second = await client.turnEnded(await client.startTurn(threadId, "again"));
    expect(second.params?.["turn"]).toMatchObject({ status: "completed" });
  });

  it("runs turns of several threads on one connection at once", async () => {
    const { model, client } = await bench();
    const gate = deferred<void>();
    const count = 4;
    for (let index = 0; index < count; index++) {
      const [added, ...rest] = messageSteps([`part ${index} `, "end"], `m${index}`);
      if (added) model.enqueue(answer(added, { wait: gate.promise }, ...rest));
    }
    const threads = await Promise.all(Array.from({ length: count }, () => client.startThread()));
    const turns = await Promise.all(threads.map((id) => client.startTurn(id, "go")));
    await model.requested(count);
    gate.resolve();
    for (const turnId of turns) {
      const ended = await client.turnEnded(turnId);
      expect(ended.params?.["turn"]).toMatchObject({ status: "completed" });
    }
    for (const id of threads) {
      expect(Object.values(streamed(client.eventsOf(id)))).toEqual([
        expect.stringMatching(/^part \d end$/),
      ]);
    }
  });
});

describe("two clients on one thread", () => {
  it("see equal sequences of events", async () => {
    const { model, homes, client } = await bench();
    model.enqueue(
      say("first"),
      answer(...functionCall("exec_command", { cmd: "echo out" }, "call_1")),
      say("second ", "answer"),
    );
    const threadId = await client.startThread();
    await client.turnEnded(await client.startTurn(threadId, "one"));
    const other = await HostClient.connect(homes);
    await other.call("thread/resume", { threadId });
    const turnId = await client.startTurn(threadId, "two");
    await Promise.all([client.turnEnded(turnId), other.turnEnded(turnId)]);
    const since = (events: readonly Sent[]): readonly Sent[] =>
      events.slice(
        events.findIndex(
          ({ method, params }) =>
            method === "turn/started" && Object(params?.["turn"]).id === turnId,
        ),
      );
    expect(since(other.eventsOf(threadId))).toEqual(since(client.eventsOf(threadId)));
    expect(since(other.eventsOf(threadId)).length).toBeGreaterThan(8);
  });

  it("are both asked; an answer of one is resolved on the other, and counts once", async () => {
    const { model, homes, client } = await bench({ top: 'approval_policy = "on-request"' });
    model.enqueue(answer(...escalatedCommand("echo ran")), say("done"));
    const threadId = await client.startThread();
    const turnId = await client.startTurn(threadId, "run it");
    const asked = await client.until(isAsk);
    const other = await HostClient.connect(homes);
    await other.call("thread/resume", { threadId });
    const again = await other.until(isAsk);
    expect([again.id, again.params]).toEqual([asked.id, asked.params]);
    other.answer(again.id, { decision: "accept" });
    client.answer(asked.id, { decision: "cancel" });
    const isResolved = ({ method, params }: Sent): boolean =>
      method === "serverRequest/resolved" && params?.["requestId"] === asked.id;
    await Promise.all([client.until(isResolved), other.until(isResolved)]);
    await Promise.all([client.turnEnded(turnId), other.turnEnded(turnId)]);
    for (const { sent } of [client, other]) expect(sent.filter(isResolved).length).toBe(1);
    expect(completedItems(client, threadId).map(({ type, status }) => [type, status])).toEqual([
      ["userMessage", undefined],
      ["commandExecution", "completed"],
      ["agentMessage", undefined],
    ]);
  });

  it("end with the same text though one was away for 500 deltas", async () => {
    const { model, homes, client } = await bench();
    const gates = [deferred<void>(), deferred<void>()];
    const words = Array.from({ length: 700 }, (_word, index) => `w${index}é `);
    const steps = messageSteps(words, "m1");
    model.enqueue(
      answer(
        ...steps.slice(0, 101),
        { wait: gates[0]?.promise ?? Promise.resolve() },
        ...steps.slice(101, 601),
        { wait: gates[1]?.promise ?? Promise.resolve() },
        ...steps.slice(601),
      ),
    );
    const threadId = await client.startThread();
    const turnId = await client.startTurn(threadId, "talk");
    const away = await HostClient.connect(homes);
    await client.until(hasDelta(words[99]));
    await away.call("thread/resume", { threadId });
    away.drop();
    await away.closed;
    gates[0]?.resolve();
    await client.until(hasDelta(words[599]));
    const back = await HostClient.connect(homes);
    const resumed = await back.call("thread/resume", { threadId });
    gates[1]?.resolve();
    await Promise.all([client.turnEnded(turnId), back.turnEnded(turnId)]);
    const whole = words.join("");
    expect(streamed(client.eventsOf(threadId))["m1"]).toBe(whole);
    expect(shown(resumed, "m1", back.eventsOf(threadId))).toBe(whole);
    expect(completedItems(back, threadId).at(-1)?.text).toBe(whole);
  });
});

describe("the host going down", () => {
  it("ends a running turn as interrupted; the next host lists, reads and resumes the thread", async () => {
    const { model, homes, host, client } = await bench();
    model.enqueue(
      say("first answer"),
      answer(...messageSteps(["half an"], "m2").slice(0, 2), { wait: new Promise(() => {}) }),
      say("and on"),
    );
    const threadId = await client.startThread();
    await client.turnEnded(await client.startTurn(threadId, "one"));
    const running = await client.startTurn(threadId, "two");
    await client.until(({ params }) => params?.["delta"] === "half an");
    await stop(host);
    expect(await client.closed).toBe(1001);

    const { client: next, resumed } = await resumeOn(homes, threadId);
    const turns = Object(resumed["thread"]).turns;
    expect(
      turns.map((turn: Readonly<Record<string, unknown>>) => [
        turn["status"],
        itemsOf(turn).length,
      ]),
    ).toEqual([
      ["completed", 2],
      ["interrupted", 1],
    ]);
    expect(turns[1].id).toBe(running);
    const { data } = await next.call("thread/list", {});
    expect(data).toMatchObject([{ id: threadId, preview: "one" }]);
    const ended = await next.turnEnded(await next.startTurn(threadId, "three"));
    expect(ended.params?.["turn"]).toMatchObject({ status: "completed" });
    expect(JSON.stringify(model.requests.at(-1)?.body["input"])).toContain("first answer");
  });

  it("while an approval waits leaves the command undone", async () => {
    const { model, homes, host, client } = await bench({ top: 'approval_policy = "on-request"' });
    model.enqueue(answer(...escalatedCommand("touch never")));
    const threadId = await client.startThread();
    await client.startTurn(threadId, "run it");
    await client.until(({ method }) => method === "item/commandExecution/requestApproval");
    await stop(host);
    const { client: next, resumed } = await resumeOn(homes, threadId);
    expect(Object(resumed["thread"]).turns.at(-1)).toMatchObject({ status: "interrupted" });
    const listed = await next.call("fs/readDirectory", { path: homes.cwd });
    expect(listed["entries"]).toEqual([]);
  });
});

describe("bad input over a socket", () => {
  it("gets a clear error and loses nothing", async () => {
    const { model, client, homes } = await bench();
    model.enqueue(say("still here"));
    const threadId = await client.startThread();
    const none = "00000000-0000-7000-8000-000000000000";
    await expect(client.call("thread/read", { threadId: none })).rejects.toThrow(
      `-32600 thread not loaded: ${none}`,
    );
    await expect(client.call("turn/start", { threadId: 7, input: [] })).rejects.toThrow("-32600");
    await expect(client.call("no/such")).rejects.toThrow("unknown method");
    await expect(
      client.call("fs/readFile", { path: join(homes.farhelmHome, "farhelm.sqlite") }),
    ).rejects.toThrow("out of reach of the protocol");
    const input = [{ type: "text", text: "x".repeat(1_048_577) }];
    await expect(client.call("turn/start", { threadId, input })).rejects.toThrow("-32602");
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    const part = `{"type":"text","text":"x","text_elements":[${deep}]}`;
    client.sendText(
      `{"id":"deep","method":"turn/start","params":{"threadId":"${threadId}","input":[${part}]}}`,
    );
    const refused = await client.until(({ id }) => id === "deep");
    expect(refused.error?.code).toBe(-32_603);
    const ended = await client.turnEnded(await client.startTurn(threadId, "lone \ud800 __proto__"));
    expect(ended.params?.["turn"]).toMatchObject({ status: "completed" });
  });
});
