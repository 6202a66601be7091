import { afterEach, describe, expect, test, vi } from "vitest";
import { LifeSigns } from "../../../src/client/life-signs.ts";
import { CallRefused, ConnectionLost, OutcomeUnknown } from "../../../src/client/rpc-peer.ts";
import { connectedClient, stopClients } from "./client-bench.ts";
import { MemoryHost } from "./memory-host.ts";

afterEach(() => {
  stopClients();
  vi.useRealTimers();
});

const retry = { retry: true };
const words = { pingIntervalMs: 20_000, idempotencyKeyMs: 86_400_000 };

function hostWithKeys(): MemoryHost {
  const host = new MemoryHost({ secret: "s3" });
  host.answers["initialize"] = () => ({ result: words });
  return host;
}

type Parts = Awaited<ReturnType<typeof connectedClient>>;

async function reconnected({ host, client, listener }: Parts): Promise<void> {
  const connected = listener.next("connected");
  host.lastSocket.drop();
  client.wake();
  await connected;
}

const callsOf = ({ host }: Parts, method: string) =>
  host.sockets.map((socket) =>
    socket.calls
      .filter((call) => call.method === method)
      .map(({ params, idempotencyKey }) => ({ params, idempotencyKey })),
  );

const refusal = (code: string) => ({
  error: { code: -32_600, message: `It is ${code}.`, data: { code, nextStep: "Look." } },
});

/** Why a call rejects, from now on: nobody else may be there to hear it. */
const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("calls", () => {
  test("carry a key each", async () => {
    const parts = await connectedClient(hostWithKeys());
    parts.host.answers["thread/archive"] = () => ({ result: {} });
    await parts.client.call("thread/archive", { threadId: "a" });
    await parts.client.call("thread/archive", { threadId: "a" });
    const [calls = []] = callsOf(parts, "thread/archive");
    const keys = calls.map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toEqual([expect.stringMatching(/^[\w-]{24}$/), expect.any(String)]);
    expect(new Set(keys).size).toBe(2);
  });

  test("that are to be retried go out again under their keys, in their order, behind the threads", async () => {
    const parts = await connectedClient(hostWithKeys());
    const { host, client } = parts;
    host.answers["thread/resume"] = () => ({ result: { thread: { id: "t" }, model: "m" } });
    client.watch("t");
    const first = client.call("turn/start", { threadId: "t", input: [] }, retry);
    const second = client.call("thread/name/set", { threadId: "t", name: "n" }, retry);
    host.lastSocket.drop();
    const third = client.call("thread/archive", { threadId: "t" }, retry);
    for (const method of ["turn/start", "thread/name/set", "thread/archive"]) {
      host.answers[method] = () => ({ result: { did: method }, replayed: true });
    }
    await reconnected(parts);
    expect(await Promise.all([first, second, third])).toEqual([
      { did: "turn/start" },
      { did: "thread/name/set" },
      { did: "thread/archive" },
    ]);
    const [before, after] = callsOf(parts, "turn/start");
    expect(after).toEqual(before);
    expect(host.lastSocket.calls.map(({ method }) => method)).toEqual([
      "initialize",
      "initialized",
      "thread/resume",
      "turn/start",
      "thread/name/set",
      "thread/archive",
    ]);
  });

  test("are retried as often as the line breaks", async () => {
    const parts = await connectedClient(hostWithKeys());
    const call = parts.client.call("turn/start", { threadId: "t", input: [] }, retry);
    for (let round = 0; round < 3; round += 1) await reconnected(parts);
    parts.host.answers["turn/start"] = () => ({ result: { turn: "one" } });
    await reconnected(parts);
    expect(await call).toEqual({ turn: "one" });
    expect(callsOf(parts, "turn/start").map(({ length }) => length)).toEqual([1, 1, 1, 1, 1]);
  });

  test("are not retried with a host that knows no keys", async () => {
    const parts = await connectedClient();
    const call = parts.client.call("turn/start", { threadId: "t", input: [] }, retry);
    const failure = failureOf(call);
    await reconnected(parts);
    expect(await failure).toBeInstanceOf(ConnectionLost);
    expect(callsOf(parts, "turn/start").map(({ length }) => length)).toEqual([1, 0]);
  });

  test("are given up when the access ends, and when nobody came back for ten minutes", async () => {
    const ended = await connectedClient(hostWithKeys());
    const call = ended.client.call("turn/start", { threadId: "t", input: [] }, retry);
    ended.host.lastSocket.drop(4001);
    await expect(call).rejects.toBeInstanceOf(ConnectionLost);

    const { host, client, listener } = await connectedClient(hostWithKeys());
    const waiting = listener.next("waiting");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const late = client.call("turn/start", { threadId: "t", input: [] }, retry);
    const failure = failureOf(late);
    host.reachable = false;
    host.lastSocket.drop();
    await waiting;
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    expect(await failure).toBeInstanceOf(ConnectionLost);
  });

  test("whose outcome nobody knows reject with an error of their own; other refusals are as they are", async () => {
    const { host, client } = await connectedClient(hostWithKeys());
    host.answers["turn/start"] = () => refusal("outcome_unknown");
    host.answers["turn/steer"] = () => refusal("answer_not_kept");
    const start = client.call("turn/start", { threadId: "t", input: [] }, retry);
    await expect(start).rejects.toBeInstanceOf(OutcomeUnknown);
    await expect(start).rejects.toThrow("It is outcome_unknown.");
    const steer = client.call("turn/steer", { threadId: "t", input: [], expectedTurnId: "x" });
    await expect(steer).rejects.toBeInstanceOf(CallRefused);
    await expect(steer).rejects.toMatchObject({ reason: "answer_not_kept" });
  });
});

/** A host whose one thread `t` has numbered events, and answers resumptions as it is told. */
function hostOfThread(): MemoryHost & { next: object } {
  const host = Object.assign(hostWithKeys(), {
    next: { epoch: "e1", seq: 5, outcome: "snapshot" },
  });
  host.answers["thread/resume"] = () => ({
    result: { thread: { id: "t" }, model: "m", stream: host.next },
  });
  return host;
}

const event = (seq: number, more: object = {}) => ({
  method: "thread/name/updated",
  params: { threadId: "t", threadName: `event ${seq}` },
  seq,
  ...more,
});

/** What the listener was told of the thread: names of events, and what became of resumptions. */
const toldIn = ({ listener }: Parts) =>
  listener.events.flatMap(([what, value]) => {
    if (what === "notified") return [Object(Object(value).params).threadName];
    return ["asked", "resumed", "caughtUp", "gap", "resumeFailed"].includes(what) ? [what] : [];
  });

const askedIn = (parts: Parts): readonly unknown[] =>
  callsOf(parts, "thread/resume").flatMap((calls) => calls.map(({ params }) => params));

async function watching(): Promise<Parts & { readonly host: ReturnType<typeof hostOfThread> }> {
  const host = hostOfThread();
  const parts = await connectedClient(host);
  const resumed = parts.listener.next("resumed");
  parts.client.watch("t");
  await resumed;
  return { ...parts, host };
}

describe("watched threads", () => {
  test("are resumed from where the view is, and what was missed is added to what is shown", async () => {
    const parts = await watching();
    const { host, listener } = parts;
    for (const seq of [6, 7]) host.lastSocket.push(event(seq));
    host.lastSocket.push({ id: 90, ...event(8), method: "item/fileChange/requestApproval" });
    host.lastSocket.push({ id: 91, ...event(9), method: "item/fileChange/requestApproval" });
    const resolved = { threadId: "t", requestId: 90 };
    host.lastSocket.push({ method: "serverRequest/resolved", params: resolved, seq: 10 });
    host.next = { epoch: "e1", seq: 12, outcome: "replayed", replayed: 2 };
    const caughtUp = listener.next("caughtUp");
    await reconnected(parts);
    expect(await caughtUp).toEqual(["t", 2]);
    for (const seq of [11, 12, 13]) host.lastSocket.push(event(seq));
    expect(toldIn(parts)).toEqual([
      "resumed",
      "event 6",
      "event 7",
      "asked",
      "asked",
      undefined,
      "caughtUp",
      "event 11",
      "event 12",
      "event 13",
    ]);
    expect(askedIn(parts)).toEqual([
      { threadId: "t" },
      { threadId: "t", since: { epoch: "e1", seq: 10, requestIds: [91] } },
    ]);
  });

  test("say why what was missed cannot be had, and are shown anew", async () => {
    const parts = await watching();
    parts.host.lastSocket.push(event(6));
    parts.host.next = { epoch: "e2", seq: 1, outcome: "gap", reason: "restarted" };
    const gap = parts.listener.next("gap");
    await reconnected(parts);
    expect(await gap).toEqual(["t", "restarted"]);
    parts.host.lastSocket.push(event(2));
    expect(toldIn(parts)).toEqual(["resumed", "event 6", "gap", "resumed", "event 2"]);
  });

  test("show nothing twice, and nothing behind a hole before it is filled", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const parts = await watching();
    const { host } = parts;
    await vi.advanceTimersByTimeAsync(5_000);
    delete host.answers["thread/resume"];
    for (const seq of [6, 6, 8, 7, 9]) host.lastSocket.push(event(seq));
    // Without a number it is of this connection alone.
    const { seq: _seq, ...own } = event(0);
    host.lastSocket.push(own);
    const stream = { epoch: "e1", seq: 9, outcome: "replayed", replayed: 3 };
    const { id } = host.lastSocket.calls.at(-1) ?? {};
    host.lastSocket.push({ id, result: { thread: { id: "t" }, model: "m", stream } });
    for (const seq of [7, 8, 9, 10]) host.lastSocket.push(event(seq));
    expect(toldIn(parts)).toEqual([
      "resumed",
      "event 6",
      "event 0",
      "caughtUp",
      "event 7",
      "event 8",
      "event 9",
      "event 10",
    ]);
    expect(askedIn(parts)[1]).toEqual({
      threadId: "t",
      since: { epoch: "e1", seq: 6, requestIds: [] },
    });
    // The next hole waits: a thread that shows many does not become a flood.
    host.lastSocket.push(event(12));
    expect(askedIn(parts)).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(askedIn(parts)).toHaveLength(3);
  });

  test("are shown anew where turns were taken back, be it on the next connection", async () => {
    const parts = await watching();
    const { host, listener } = parts;
    const reverted = (seq: number) =>
      host.lastSocket.push({ ...event(seq), method: "thread/reverted" });
    const again = listener.next("resumed");
    host.next = { epoch: "e1", seq: 7, outcome: "snapshot" };
    reverted(6);
    await again;
    for (const seq of [7, 8]) host.lastSocket.push(event(seq));
    delete host.answers["thread/resume"];
    for (const seq of [9, 10]) reverted(seq);
    host.answers["thread/resume"] = () => ({
      result: { thread: { id: "t" }, model: "m", stream: { ...host.next, seq: 10 } },
    });
    const after = listener.next("resumed");
    await reconnected(parts);
    await after;
    host.lastSocket.push(event(11));
    expect(toldIn(parts)).toEqual([
      "resumed",
      "event 6",
      "resumed",
      "event 8",
      "event 9",
      "resumed",
      "event 11",
    ]);
    expect(askedIn(parts)).toEqual(Array.from({ length: 4 }, () => ({ threadId: "t" })));
  });

  test("may lack numbers of which the host says that they are not for this client", async () => {
    const parts = await watching();
    const { host, listener } = parts;
    host.next = { epoch: "e1", seq: 9, outcome: "replayed", replayed: 4 };
    const caughtUp = listener.next("caughtUp");
    await reconnected(parts);
    await caughtUp;
    for (const seq of [6, 8, 10]) host.lastSocket.push(event(seq));
    expect(toldIn(parts)).toEqual(["resumed", "caughtUp", "event 6", "event 8", "event 10"]);
    expect(askedIn(parts)).toHaveLength(2);
  });

  test("that a call started are followed from its answer; one that an earlier connection started is resumed", async () => {
    const parts = await connectedClient(hostOfThread());
    const { host, client, listener } = parts;
    const stream = { epoch: "e1", seq: 0, outcome: "snapshot" };
    const result = { thread: { id: "t" }, model: "m", stream };
    host.answers["thread/start"] = () => ({ result });
    const options = { retry: true, watch: true };
    expect(await client.call("thread/start", {}, options)).toEqual(result);
    host.lastSocket.push(event(1));
    expect(toldIn(parts)).toEqual(["resumed", "event 1"]);
    expect(askedIn(parts)).toEqual([]);

    client.unwatch("t");
    Object.assign(host, { next: { epoch: "e1", seq: 1, outcome: "replayed", replayed: 1 } });
    host.answers["thread/start"] = () => ({ result, replayed: true });
    const caughtUp = listener.next("caughtUp");
    await client.call("thread/start", {}, options);
    await caughtUp;
    host.lastSocket.push(event(1));
    expect(toldIn(parts).slice(2)).toEqual(["resumed", "caughtUp", "event 1"]);
    expect(askedIn(parts)).toEqual([
      { threadId: "t", since: { epoch: "e1", seq: 0, requestIds: [] } },
    ]);
  });
});

test("a host that is silent for longer than an interval is asked, and given up after two", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const trace: string[] = [];
  const note = (what: string) => () => void trace.push(`${what} ${performance.now()}`);
  const signs = new LifeSigns({ intervalMs: 10_000, ask: note("asked"), dead: note("dead") });
  const startMs = performance.now();
  const at = (ms: number): number => startMs + ms;
  for (const ms of [9_000, 12_000]) {
    await vi.advanceTimersByTimeAsync(ms);
    signs.heard();
  }
  await vi.advanceTimersByTimeAsync(14_000);
  signs.heard();
  await vi.advanceTimersByTimeAsync(30_000);
  const asked = [at(33_500), at(47_500)].map((ms) => `asked ${ms}`);
  expect(trace).toEqual([...asked, `dead ${at(55_000)}`]);
  trace.length = 0;
  signs.doubt();
  signs.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(trace).toEqual([`asked ${at(65_000)}`]);
});

test("a host that does not answer who wakes up is given up soon", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const { host, client, listener } = await connectedClient(hostWithKeys());
  await vi.advanceTimersByTimeAsync(1);
  client.wake();
  const waiting = listener.next("waiting");
  await vi.advanceTimersByTimeAsync(6_000);
  expect(await waiting).toMatchObject({ reason: "The host does not answer." });
  expect(host.lastSocket.calls.at(-1)?.method).toBe("thread/loaded/list");
});
