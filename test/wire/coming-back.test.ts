/** Connections that break and come back, over real sockets: what they get, what is said of the rest, and who may answer. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { useHostBench } from "../helpers/host-bench.ts";
import { WebSocket } from "ws";
import type { RunningHost } from "../../src/cli/host.ts";
import { deferred } from "../../src/util/deferred.ts";
import type { MockModel } from "../helpers/mock-model.ts";
import { answer, messageSteps, say } from "../helpers/mock-model.ts";
import { escalatedCommand } from "../helpers/prompted-model.ts";
import type { Homes } from "../helpers/running-host.ts";
import { HostClient, startOn, stop } from "../helpers/running-host.ts";
import type { Sent } from "../helpers/text-frames.ts";

const bench = useHostBench({ top: 'approval_policy = "never"' });

interface Place {
  readonly epoch: string;
  readonly seq: number;
}

/** Where a client is that has taken `resumed` and everything that was sent to it. */
function placeOf(client: HostClient, threadId: string, resumed: unknown): Place {
  const { epoch, seq } = Object(Object(resumed)["stream"]);
  const numbers = client.eventsOf(threadId).map((sent) => sent.seq ?? 0);
  return { epoch, seq: Math.max(seq, ...numbers) };
}

/** A connection over control.sock whose `initialize` says more. */
async function enter(homes: Homes, capabilities: object) {
  const socket = new WebSocket(`ws+unix://${join(homes.farhelmHome, "control.sock")}:/`);
  return initializing(await HostClient.opened(socket), capabilities);
}

async function initializing(client: HostClient, capabilities: object) {
  const hello = await client.call("initialize", {
    clientInfo: { name: "test", version: "1" },
    capabilities: { experimentalApi: true, threads: [], ...capabilities },
  });
  return { client, hello };
}

const numbered = (client: HostClient, threadId: string): readonly Sent[] =>
  client.eventsOf(threadId).filter(({ seq }) => seq !== undefined);
const isAsk = ({ method }: Sent): boolean => method?.endsWith("requestApproval") ?? false;
const hasDelta =
  (word: string) =>
  ({ method, params }: Sent) =>
    method === "item/agentMessage/delta" && params?.["delta"] === word;

/** One turn that says words; those behind the first gate come when it is opened. */
function talking(model: MockModel, count: number, ...cuts: readonly number[]) {
  const gates = cuts.map(() => deferred<void>());
  const words = Array.from({ length: count }, (_word, index) => `w${index}é `);
  const steps = messageSteps(words, "m1");
  const parts = [0, ...cuts].map((from, index) => [
    ...steps.slice(from === 0 ? 0 : from + 1, (cuts[index] ?? steps.length) + 1),
    ...(gates[index] ? [{ wait: gates[index].promise }] : []),
  ]);
  model.enqueue(answer(...parts.flat()));
  return { words, open: (index: number): void => gates[index]?.resolve() };
}

describe("a connection that breaks", () => {
  it("is told its place only where it counts", async () => {
    const { homes } = await bench();
    const told = [];
    for (const capabilities of [{ threads: null }, { threads: [] }]) {
      const { client } = await enter(homes, capabilities);
      const started = await client.call("thread/start", { cwd: homes.root, ephemeral: true });
      told.push("stream" in started);
    }
    expect(told).toEqual([false, true]);
  });

  it("is given exactly what it missed when it resumes, and the whole is what others saw", async () => {
    const { model, homes, client } = await bench();
    const talk = talking(model, 700, 100, 600);
    const threadId = await client.startThread();
    const turnId = await client.startTurn(threadId, "talk");
    await client.until(hasDelta("w99é "));
    const first = await HostClient.connect(homes);
    const resumed = await first.call("thread/resume", { threadId });
    const place = placeOf(first, threadId, resumed);
    first.drop();
    talk.open(0);
    await client.until(hasDelta("w599é "));
    const second = await HostClient.connect(homes);
    const again = await second.call("thread/resume", { threadId, since: place });
    talk.open(1);
    await Promise.all([client.turnEnded(turnId), second.turnEnded(turnId)]);
    expect(Object(again["thread"])["turns"]).toEqual([]);
    expect(again["stream"]).toEqual({
      epoch: place.epoch,
      seq: place.seq + 500,
      outcome: "replayed",
      replayed: 500,
    });
    const missed = numbered(client, threadId).filter(({ seq = 0 }) => seq > place.seq);
    expect(numbered(second, threadId)).toEqual(missed);
    expect(missed.map(({ seq }) => seq)).toEqual(
      missed.map((_sent, index) => place.seq + 1 + index),
    );
  });

  it("comes back to all its threads with initialize", async () => {
    const { model, homes, client } = await bench();
    const threads = [await client.startThread(), await client.startThread()];
    const places: { threadId: string; since: Place }[] = [];
    for (const threadId of threads) {
      model.enqueue(say("before"), say("while away"));
      await client.turnEnded(await client.startTurn(threadId, "one"));
      const watching = await HostClient.connect(homes);
      const resumed = await watching.call("thread/resume", { threadId });
      places.push({ threadId, since: placeOf(watching, threadId, resumed) });
      watching.drop();
      await client.turnEnded(await client.startTurn(threadId, "two"));
    }
    const { client: back, hello } = await enter(homes, { threads: places });
    expect(hello["threads"]).toMatchObject(
      threads.map((threadId) => ({ threadId, stream: { outcome: "replayed" } })),
    );
    for (const { threadId, since } of places) {
      await back.until(({ method, params }) => {
        return method === "turn/completed" && params?.["threadId"] === threadId;
      });
      const missed = numbered(client, threadId).filter(({ seq = 0 }) => seq > since.seq);
      expect(numbered(back, threadId)).toEqual(missed);
    }
    model.enqueue(say("live"));
    const turnId = await client.startTurn(String(threads[1]), "three");
    await back.turnEnded(turnId);
  });

  it("is told of the gap when the host has restarted, and gets the turns", async () => {
    const { model, homes, host, client } = await bench();
    model.enqueue(say("kept"));
    const threadId = await client.startThread();
    await client.turnEnded(await client.startTurn(threadId, "one"));
    const resumed = await client.call("thread/resume", { threadId });
    const since = { ...placeOf(client, threadId, resumed), requestIds: [0, 41] };
    await stop(host);
    await startOn(homes);
    const { client: back, hello } = await enter(homes, { threads: [{ threadId, since }] });
    expect(hello["threads"]).toMatchObject([{ stream: { outcome: "gap", reason: "notLoaded" } }]);
    const again = await back.call("thread/resume", { threadId, since });
    expect(again).toMatchObject({
      stream: { outcome: "gap", reason: "restarted" },
      thread: { turns: [{ status: "completed" }] },
    });
    expect(Object(again["stream"])["epoch"]).not.toBe(since.epoch);
    for (const requestId of since.requestIds) {
      await back.until(({ method, params }) => {
        return method === "serverRequest/resolved" && params?.["requestId"] === requestId;
      });
    }
  });

  it("that read too slowly is closed with 1013, and what it missed is said to be gone", async () => {
    const { model, homes, client } = await bench();
    const threadId = await client.startThread();
    model.enqueue(say("first"));
    await client.turnEnded(await client.startTurn(threadId, "one"));
    const slow = await HostClient.connect(homes);
    const resumed = await slow.call("thread/resume", { threadId });
    slow.pause();
    const long = "x".repeat(900_000);
    for (let turn = 0; turn < 10; turn++) {
      model.enqueue(say(long));
      await client.turnEnded(await client.startTurn(threadId, `turn ${turn}`));
    }
    slow.resume();
    // 1006 where it took too long to read the goodbye
    expect([1006, 1013]).toContain(await slow.closed);
    const since = placeOf(slow, threadId, resumed);
    const seen = numbered(slow, threadId).map(({ seq }) => seq);
    expect(seen).toEqual([...new Set(seen)].toSorted((one, two) => Number(one) - Number(two)));
    const back = await HostClient.connect(homes);
    const again = await back.call("thread/resume", { threadId, since });
    expect(again["stream"]).toMatchObject({ outcome: "gap", reason: "retention" });
    expect(Object(again["thread"])["turns"].length).toBe(11);
    const whole = await client.call("thread/resume", { threadId });
    expect(placeOf(back, threadId, again)).toEqual(placeOf(client, threadId, whole));
  });
});

/** A thread in whose turn a command waits to be approved, seen by nobody else. */
async function waiting(model: MockModel, client: HostClient, cwd?: string): Promise<string> {
  model.enqueue(answer(...escalatedCommand("echo ran")));
  const threadId = await client.startThread(cwd === undefined ? {} : { cwd });
  await client.startTurn(threadId, "run it");
  await client.until((sent) => isAsk(sent) && sent.params?.["threadId"] === threadId);
  return threadId;
}
const askIn = (client: HostClient, threadId: string): Promise<Sent> =>
  client.until((sent) => isAsk(sent) && sent.params?.["threadId"] === threadId);
const resolvedIn = (client: HostClient, requestId: unknown): Promise<Sent> =>
  client.until(
    ({ method, params }) =>
      method === "serverRequest/resolved" && params?.["requestId"] === requestId,
  );

describe("server requests over a reconnect", () => {
  const onRequest = 'approval_policy = "on-request"';

  it("come again with their ids while they wait; a viewer and another's scope get none", async () => {
    const { model, homes, host, client } = await bench({ top: onRequest });
    const start = await client.startThread();
    const threadId = await waiting(model, client);
    const { id } = await askIn(client, threadId);
    const before = { epoch: Object(await placeNow(homes, threadId)).epoch, seq: 0 };
    const back = await HostClient.connect(homes);
    await back.call("thread/resume", { threadId, since: { ...before, requestIds: [id] } });
    expect(await askIn(back, threadId)).toMatchObject({ id, seq: expect.any(Number) });

    const viewer = await HostClient.connectAs("viewer", host, client);
    const seen = await viewer.call("thread/resume", { threadId, since: before });
    expect(Object(seen["stream"])["outcome"]).toBe("replayed");
    await viewer.call("thread/loaded/list");
    expect(numbered(viewer, threadId).length).toBeGreaterThan(3);
    expect(viewer.sent.some(isAsk)).toBe(false);

    const scoped = await scopedTo(host, client, { threads: [start] });
    const { client: kept, hello } = await initializing(scoped, {
      threads: [{ threadId, since: before }],
    });
    expect(hello["threads"]).toMatchObject([{ stream: { outcome: "gap", reason: "notLoaded" } }]);
    const refused = kept.call("thread/resume", { threadId, since: before });
    await expect(refused).rejects.toThrow(`no rollout found for thread id ${threadId}`);

    back.answer(id, { decision: "decline" });
    await resolvedIn(client, id);
    const late = await HostClient.connect(homes);
    await late.call("thread/resume", {
      threadId,
      since: { ...Object(await placeNow(homes, threadId)), requestIds: [id] },
    });
    await resolvedIn(late, id);
    expect(JSON.stringify(kept.sent)).not.toContain("requestApproval");
  });

  it("are all in the inbox, and who sees them there may answer them", async () => {
    const { model, homes, host, client } = await bench({ top: onRequest });
    const [inside, outside] = [join(homes.root, "inside"), join(homes.root, "outside")];
    for (const folder of [inside, outside]) mkdirSync(folder);
    const [mine, other] = [
      await waiting(model, client, inside),
      await waiting(model, client, outside),
    ];
    await client.call("thread/name/set", { threadId: other, name: "Other" });
    const phone = await HostClient.connectAs("approver", host, client);
    const { data } = await phone.call("approval/inbox");
    const [first, second] = await Promise.all([askIn(client, mine), askIn(client, other)]);
    expect(data).toEqual([
      rowOf(mine, null, inside, first),
      rowOf(other, "Other", outside, second),
    ]);

    const scoped = await scopedTo(host, client, { projects: [inside] });
    const { client: part } = await initializing(scoped, {});
    expect(await part.call("approval/inbox")).toEqual({ data: [rowOf(mine, null, inside, first)] });
    part.answer(second.id, { decision: "accept" });
    const viewer = await HostClient.connectAs("viewer", host, client);
    await expect(viewer.call("approval/inbox")).rejects.toThrow("needs the role approver");

    phone.answer(second.id, { decision: "decline" });
    const { params } = await resolvedIn(client, second.id);
    expect(params).toMatchObject({ answer: { decision: "decline" } });
    await phone.until(({ method, params: about }) => {
      return method === "approval/inbox/changed" && about?.["threadId"] === other;
    });
    expect(await phone.call("approval/inbox")).toEqual({
      data: [rowOf(mine, null, inside, first)],
    });
    expect(part.eventsOf(other)).toEqual([]);
    expect(client.sent.some(({ method }) => method === "approval/inbox/changed")).toBe(false);
    part.answer(first.id, { decision: "decline" });
    await resolvedIn(client, first.id);
  });
});

const rowOf = (threadId: string, threadName: string | null, cwd: string, asked: Sent): object => ({
  threadId,
  threadName,
  cwd,
  turnId: asked.params?.["turnId"],
  itemId: asked.params?.["itemId"],
  gains: asked.gains,
  requestId: asked.id,
  method: asked.method,
  params: asked.params,
  askedAtMs: expect.any(Number),
});

/** Where the thread's events are now, as one is told who resumes it. */
async function placeNow(homes: Homes, threadId: string): Promise<unknown> {
  const looker = await HostClient.connect(homes);
  const { stream } = await looker.call("thread/resume", { threadId, excludeTurns: true });
  looker.drop();
  return stream;
}

/** A connection, not initialised yet, of an operator's token of this scope. */
async function scopedTo(host: RunningHost, admin: HostClient, scope: object): Promise<HostClient> {
  const wish = { name: "s", role: "operator", ttlMs: 600_000 };
  const { token, id } = await admin.call("farhelm/token/issue", wish);
  await admin.call("farhelm/devices/change", { id, scope });
  const headers = { authorization: `Bearer ${String(token)}` };
  return HostClient.opened(new WebSocket(host.url.replace("http", "ws"), { headers }));
}

describe("the heartbeat", () => {
  it("is announced, and comes to those who asked for it", async () => {
    const { homes, client } = await bench({ changes: { pingIntervalMs: 300 } });
    const { client: page, hello } = await enter(homes, { heartbeat: true });
    expect(hello["pingIntervalMs"]).toBe(300);
    const beat = await page.until(({ method }) => method === "farhelm/heartbeat");
    expect(beat.params).toEqual({ intervalMs: 300 });
    expect(client.sent.some(({ method }) => method === "farhelm/heartbeat")).toBe(false);
  });
});
