import { describe, expect, it } from "vitest";
import { escapeText, TextStream } from "../../../src/events/text-stream.ts";
import { defaultRetention } from "../../../src/events/thread-logs.ts";
import { ItemId, ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import { agentMessageDelta } from "../../../src/protocol/item-notifications.ts";
import {
  threadArchived,
  threadNameUpdated,
  warning,
} from "../../../src/protocol/thread-notifications.ts";
import type { Role } from "../../../src/protocol/principal.ts";
import { textFrame } from "../../../src/util/text-frame.ts";
import { tick } from "../../helpers/memory-socket.ts";
import { sessionBench } from "../../helpers/session-bench.ts";
import type { Sent } from "../../helpers/text-frames.ts";

const a = ThreadId.parse("a");
const b = ThreadId.parse("b");

type Bench = ReturnType<typeof sessionBench>;

const warn = ({ hub }: Bench, message: string, threadId = a): void =>
  hub.publish(warning, { threadId, message });
const question = (id: number): Buffer =>
  textFrame(JSON.stringify({ method: "item/x", id, params: {} }));
/** A question that waits, as the threads know it. */
const put = (bench: Bench, requestId: number, role: Role = "approver", changed = false): void => {
  const ask = { requestId, role, changed };
  bench.owed.push({ frame: question(requestId), method: "item/x", ask });
  bench.hub.ask(a, requestId, question(requestId), role);
};
const settle = (bench: Bench, requestId: number, told = true): void => {
  bench.owed.splice(
    bench.owed.findIndex(({ ask }) => ask?.requestId === requestId),
    1,
  );
  bench.hub.resolved(a, requestId, { told });
};
const brief = ({ id, method, seq }: Sent): unknown => [method ?? "answer", id, seq];

/** Comes back to thread a and gives the answer and what follows it. */
async function back(bench: Bench, since: object | undefined, facts: { role?: Role } = {}) {
  const { socket, call } = await bench.watcher([], facts);
  call("subscribe", { threadId: a, ...(since && { since }) });
  await tick();
  const [answer, ...rest] = socket.sent;
  return { answer: answer?.result, rest, socket };
}

describe("one who comes back", () => {
  it("without a place gets no events, what waits, and where it is now", async () => {
    const bench = sessionBench();
    warn(bench, "1");
    put(bench, 7);
    const { answer, rest } = await back(bench, undefined);
    const { epoch } = bench.hub.position(a);
    expect(answer).toEqual({ epoch, seq: 2, outcome: "snapshot" });
    expect(rest.map(brief)).toEqual([["item/x", 7, undefined]]);
  });

  it("gets exactly what it missed, right behind the answer, and then what happens", async () => {
    const bench = sessionBench();
    for (const message of ["1", "2", "3"]) warn(bench, message);
    warn(bench, "elsewhere", b);
    bench.hub.publish(threadArchived, { threadId: a });
    const { epoch } = bench.hub.position(a);
    const { answer, rest, socket } = await back(bench, { epoch, seq: 1 });
    expect(answer).toEqual({ epoch, seq: 4, outcome: "replayed", replayed: 3 });
    expect(rest.map(brief)).toEqual([
      ["warning", undefined, 2],
      ["warning", undefined, 3],
      ["thread/archived", undefined, 4],
    ]);
    warn(bench, "live");
    await tick();
    expect(socket.sent.at(-1)).toMatchObject({ params: { message: "live" }, seq: 5 });
  });

  it("who missed nothing gets nothing", async () => {
    const bench = sessionBench();
    warn(bench, "1");
    const place = bench.hub.position(a);
    const { answer, rest } = await back(bench, place);
    expect([answer, rest]).toEqual([{ ...place, outcome: "replayed", replayed: 0 }, []]);
  });

  it("is told of a gap when the events are gone, and goes on from the answer", async () => {
    const bench = sessionBench([], { ...defaultRetention, bytesPerThread: 2_000 });
    const start = bench.hub.position(a);
    for (let count = 0; count < 50; count++) warn(bench, "x".repeat(100));
    const { answer, rest } = await back(bench, start);
    expect(answer).toEqual({ ...start, seq: 50, outcome: "gap", reason: "retention" });
    expect(rest).toEqual([]);
  });

  it("is told of a gap when more is missing than it could read", async () => {
    const bench = sessionBench();
    const start = bench.hub.position(a);
    for (let count = 0; count < 3; count++) warn(bench, "x".repeat(1_000));
    const { answer } = await back(bench, start);
    expect(answer).toEqual({ ...start, seq: 3, outcome: "gap", reason: "tooMuch" });
  });

  it("with a number from nowhere is told so", async () => {
    const bench = sessionBench();
    const { epoch } = bench.hub.position(a);
    const { answer } = await back(bench, { epoch, seq: 9 });
    expect(answer).toEqual({ epoch, seq: 0, outcome: "gap", reason: "ahead" });
  });

  it("sees only what its connection takes: opted out, and a viewer no questions", async () => {
    const bench = sessionBench();
    const start = bench.hub.position(a);
    warn(bench, "1");
    put(bench, 7);
    bench.hub.publish(threadArchived, { threadId: a });
    const viewer = await back(bench, start, { role: "viewer" });
    expect(viewer.rest.map(brief)).toEqual([
      ["warning", undefined, 1],
      ["thread/archived", undefined, 3],
    ]);
    const picky = await bench.watcher([], { optOut: ["warning"] });
    picky.call("subscribe", { threadId: a, since: start });
    await tick();
    expect(picky.socket.sent.slice(1).map(brief)).toEqual([
      ["item/x", 7, 2],
      ["thread/archived", undefined, 3],
    ]);
  });

  it("is not given what its scope does not reach", async () => {
    const bench = sessionBench();
    const start = bench.hub.position(a);
    warn(bench, "1");
    put(bench, 7);
    const { socket, session, call } = await bench.watcher([], { scope: { threads: ["b"] } });
    call("subscribe", { threadId: a, since: start });
    await tick();
    expect(socket.sent.filter(({ method }) => method !== undefined)).toEqual([]);
    session.received(JSON.stringify({ id: 7, result: {} }));
    expect(bench.answers).toEqual([]);
  });
});

describe("server requests", () => {
  it("that were put meanwhile come once, in their place, and may be answered", async () => {
    const bench = sessionBench();
    const start = bench.hub.position(a);
    put(bench, 7);
    warn(bench, "behind");
    const { socket, session, call } = await bench.watcher([]);
    call("subscribe", { threadId: a, since: start });
    await tick();
    expect(socket.sent.slice(1).map(brief)).toEqual([
      ["item/x", 7, 1],
      ["warning", undefined, 2],
    ]);
    session.received(JSON.stringify({ id: 7, result: { decision: "accept" } }));
    expect(bench.answers).toEqual([[7, { result: { decision: "accept" } }]]);
  });

  it("that still wait are sent again with the same ids, behind the events", async () => {
    const bench = sessionBench();
    put(bench, 7);
    const start = bench.hub.position(a);
    warn(bench, "1");
    const { rest } = await back(bench, { ...start, requestIds: [7] });
    expect(rest.map(brief)).toEqual([
      ["warning", undefined, 2],
      ["item/x", 7, undefined],
    ]);
  });

  it("that say something else now come once more", async () => {
    const bench = sessionBench();
    const start = bench.hub.position(a);
    put(bench, 7, "approver", true);
    const { rest } = await back(bench, start);
    expect(rest.map(brief)).toEqual([
      ["item/x", 7, 1],
      ["item/x", 7, undefined],
    ]);
  });

  it("that were resolved meanwhile are announced, once", async () => {
    const bench = sessionBench();
    put(bench, 7);
    put(bench, 8);
    const start = bench.hub.position(a);
    settle(bench, 7);
    const { rest } = await back(bench, { ...start, requestIds: [7, 8, 99] });
    expect(
      rest.map(({ method, id, params, seq }) => [method, id ?? params?.["requestId"], seq]),
    ).toEqual([
      ["serverRequest/resolved", 7, 3],
      ["serverRequest/resolved", 99, undefined],
      ["item/x", 8, undefined],
    ]);
  });

  it("whose end is not told are not shown to one who comes after it", async () => {
    const bench = sessionBench();
    const start = bench.hub.position(a);
    put(bench, 7, "operator");
    settle(bench, 7, false);
    const { answer, rest } = await back(bench, start);
    expect([answer, rest]).toEqual([{ ...start, seq: 1, outcome: "replayed", replayed: 1 }, []]);
  });

  it("of another run of the host are over, also where one of the same id waits now", async () => {
    const bench = sessionBench();
    put(bench, 7);
    const { epoch } = sessionBench().hub.position(a);
    const { answer, rest } = await back(bench, { epoch, seq: 5, requestIds: [7] });
    expect(answer).toMatchObject({ outcome: "gap", reason: "restarted" });
    expect(rest.map(({ method, id, params }) => [method, id ?? params?.["requestId"]])).toEqual([
      ["serverRequest/resolved", 7],
      ["item/x", 7],
    ]);
  });
});

describe("numbers", () => {
  it("stand in the frames of those alone who watch the thread", async () => {
    const bench = sessionBench();
    const [watcher, bystander] = [await bench.watcher([a]), await bench.watcher([b])];
    bench.hub.publish(threadNameUpdated, { threadId: a, threadName: "n" });
    warn(bench, "1");
    await tick();
    expect(watcher.socket.sent.map(brief)).toEqual([
      ["thread/name/updated", undefined, 1],
      ["warning", undefined, 2],
    ]);
    expect(bystander.socket.sent.map(brief)).toEqual([
      ["thread/name/updated", undefined, undefined],
    ]);
  });

  it("count what happens while nobody watches, and for nobody who is gone for good", async () => {
    const bench = sessionBench();
    warn(bench, "1");
    warn(bench, "2");
    const { epoch, seq } = bench.hub.position(a);
    expect(seq).toBe(2);
    bench.hub.forget(a);
    const { answer } = await back(bench, { epoch, seq });
    expect(answer).toMatchObject({ seq: 0, outcome: "gap", reason: "retention" });
  });

  it("of one that lags say no more than it was given: a cut there leaves no hole", async () => {
    const bench = sessionBench();
    const ids = { threadId: a, turnId: TurnId.parse("u"), itemId: ItemId.parse("i") };
    const stream = new TextStream(agentMessageDelta, ids);
    const slow = await bench.watcher([a]);
    slow.socket.stuck = true;
    warn(bench, "x".repeat(1_100));
    await tick();
    bench.hub.delta(stream, escapeText("one "));
    bench.hub.delta(stream, escapeText("two "));
    bench.hub.publish(threadArchived, { threadId: a });
    bench.hub.delta(stream, escapeText("three"));
    await tick();
    const seen = slow.socket.sent.findLast(({ seq }) => seq !== undefined)?.seq;
    expect(seen).toBe(1);
    slow.session.closed(1006);
    const { rest } = await back(bench, { ...bench.hub.position(a), seq: seen });
    expect(rest.map(({ params, seq }) => [params?.["delta"], seq])).toEqual([
      ["one ", 2],
      ["two ", 3],
      [undefined, 4],
      ["three", 5],
    ]);
  });
});

const enter = async (bench: Bench, threads: readonly object[], scope?: object) => {
  const { socket, call } = bench.open(scope && { scope });
  const capabilities = { threads };
  call("initialize", { clientInfo: { name: "t", version: "1" }, capabilities }, 1);
  await tick();
  return socket;
};

describe("coming back to many threads at once, with initialize", () => {
  const ids = [1, 2, 3].map((n) => ThreadId.parse(`00000000-0000-7000-8000-00000000000${n}`));
  const [one = a, two = a, three = a] = ids;

  it("brings the missing events of each right behind the answer; a gap is to be resumed", async () => {
    const bench = sessionBench();
    for (const id of [one, two]) bench.loaded.add(id);
    const since = bench.hub.position(one);
    warn(bench, "1", one);
    warn(bench, "2", one);
    const other = { epoch: "none", seq: 4 };
    const socket = await enter(bench, [
      { threadId: one, since },
      { threadId: two, since: other },
      { threadId: three, since: other },
    ]);
    const [answer, ...rest] = socket.sent;
    expect(Object(answer?.result)["threads"]).toEqual([
      { threadId: one, stream: { ...since, seq: 2, outcome: "replayed", replayed: 2 } },
      {
        threadId: two,
        stream: { ...bench.hub.position(two), outcome: "gap", reason: "unknownEpoch" },
      },
      { threadId: three, stream: { epoch: "", seq: 0, outcome: "gap", reason: "notLoaded" } },
    ]);
    expect(rest.map(brief)).toEqual([
      ["warning", undefined, 1],
      ["warning", undefined, 2],
      ["remoteControl/status/changed", undefined, undefined],
    ]);
    for (const id of [one, two]) warn(bench, "live", id);
    await tick();
    expect(socket.sent.slice(4).map(({ params }) => params?.["threadId"])).toEqual([one]);
  });

  it("tells a scoped access of other threads what it tells of none", async () => {
    const bench = sessionBench();
    bench.loaded.add(one);
    const since = bench.hub.position(one);
    warn(bench, "1", one);
    const socket = await enter(bench, [{ threadId: one, since }], { threads: [two] });
    const [answer, ...rest] = socket.sent;
    expect(Object(answer?.result)["threads"]).toEqual([
      { threadId: one, stream: { epoch: "", seq: 0, outcome: "gap", reason: "notLoaded" } },
    ]);
    warn(bench, "2", one);
    await tick();
    expect(rest.map(brief)).toEqual([["remoteControl/status/changed", undefined, undefined]]);
    expect(socket.sent.length).toBe(2);
  });

  it("does not promise more than the connection has room for, all threads together", async () => {
    const bench = sessionBench();
    const places = [one, two].map((threadId) => {
      bench.loaded.add(threadId);
      const since = bench.hub.position(threadId);
      warn(bench, "x".repeat(1_200), threadId);
      return { threadId, since };
    });
    const [answer] = (await enter(bench, places)).sent;
    expect(Object(answer?.result)["threads"]).toMatchObject([
      { stream: { outcome: "replayed" } },
      { stream: { outcome: "gap", reason: "tooMuch" } },
    ]);
  });

  it("is refused for what is no thread id, and for one that is named twice", async () => {
    const bench = sessionBench();
    const since = bench.hub.position(one);
    for (const threads of [
      [{ threadId: "x", since }],
      [
        { threadId: one, since },
        { threadId: one.toUpperCase(), since },
      ],
    ]) {
      const [answer] = (await enter(bench, threads)).sent;
      expect(answer?.error?.code).toBe(-32_600);
    }
  });
});
