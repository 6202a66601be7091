import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { Method } from "../../../src/dispatch/define.ts";
import { method } from "../../../src/dispatch/define.ts";
import { Dispatcher } from "../../../src/dispatch/dispatcher.ts";
import { EventHub } from "../../../src/events/event-hub.ts";
import { TextStream, escapeText } from "../../../src/events/text-stream.ts";
import { initialize } from "../../../src/features/initialize.ts";
import { ItemId, ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import { agentMessageDelta, threadArchived, warning } from "../../../src/protocol/notifications.ts";
import type { Principal, Role } from "../../../src/protocol/principal.ts";
import type { SessionEnd } from "../../../src/session/port.ts";
import { SessionRegistry } from "../../../src/session/sessions.ts";
import type { CatchUpFrame } from "../../../src/threads/port.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { textFrame } from "../../../src/util/text-frame.ts";
import { MemorySocket, tick } from "../../helpers/memory-socket.ts";
import { portsWith } from "../../helpers/no-ports.ts";

const a = ThreadId.parse("a");
const b = ThreadId.parse("b");
const fields = { stability: "stable", role: "viewer", result: z.unknown() } as const;
const ofThread = z.looseObject({ threadId: ThreadId });
const budget = { softBytes: 1_000, hardBytes: 4_000 };

const subscribe = method({
  ...fields,
  name: "subscribe",
  params: ofThread,
  handle: ({ session, afterAnswer }, { threadId }) => {
    session.subscribe(threadId);
    afterAnswer(() => session.catchUp(threadId));
    return {};
  },
});
const unsubscribe = method({
  ...fields,
  name: "unsubscribe",
  params: ofThread,
  handle: ({ session }, { threadId }) => session.unsubscribe(threadId),
});

afterEach(() => void vi.useRealTimers());

/** Sessions over a hub; what clients answer to server requests is kept. */
function bench(methods: readonly Method[] = []) {
  const hub = new EventHub();
  const answers: unknown[] = [];
  const owed: CatchUpFrame[] = [];
  const threads = Object.assign(Object.create(null), {
    catchUp: () => owed,
    answer: (id: unknown, outcome: object) => void answers.push([id, outcome]),
  });
  const dispatcher = new Dispatcher([initialize, subscribe, unsubscribe, ...methods], {
    ports: portsWith({
      config: Object.assign(Object.create(null), { read: () => ({}) }),
      accounts: {
        current: () => null,
        unsupportedLogin: () => undefined,
        bearerFor: () => undefined,
      },
    }),
    log: { error: () => {} },
    checkResults: false,
  });
  const sessions = new SessionRegistry({ dispatcher, hub, threads, budget });
  const open = (facts: Partial<Principal> & { readonly role?: Role } = {}) => {
    const socket = new MemorySocket();
    const principal: Principal = { kind: "device", id: "d", name: "D", role: "admin", ...facts };
    const session = sessions.open(principal, socket);
    const call = (name: string, params: object = {}, id: string | number = name): void =>
      session.received(JSON.stringify({ id, method: name, params }));
    return { socket, session, call };
  };
  /** A connection that is initialised and watches the threads; what it was sent until then is left out. */
  const watcher = async (
    watched: readonly ThreadId[],
    { optOut = [], ...facts }: Partial<Principal> & { readonly optOut?: readonly string[] } = {},
  ) => {
    const connection = open(facts);
    connection.call("initialize", {
      clientInfo: { name: "t", version: "1" },
      capabilities: { experimentalApi: true, optOutNotificationMethods: optOut },
    });
    for (const threadId of watched) connection.call("subscribe", { threadId });
    await tick();
    connection.socket.writes.length = 0;
    return connection;
  };
  return { hub, sessions, answers, owed, open, watcher };
}

const warn = (hub: EventHub, threadId: ThreadId, message: string): void =>
  hub.publish(warning, { threadId, message });
const streamIn = (threadId: ThreadId): TextStream =>
  new TextStream(agentMessageDelta, {
    threadId,
    turnId: TurnId.parse("u"),
    itemId: ItemId.parse("i"),
  });
const deltas = (socket: MemorySocket): readonly unknown[] =>
  socket.sent
    .filter(({ method: name }) => name === "item/agentMessage/delta")
    .map(({ params }) => params?.["delta"]);
const garbage = (session: SessionEnd, count: number): void => {
  for (let index = 0; index < count; index++) session.received("{");
};

const ask = (hub: EventHub, id: number): void =>
  hub.ask(a, id, textFrame(JSON.stringify({ method: "item/x", id, params: {} })));

const answer = (session: SessionEnd, id: number | string, outcome: object): void =>
  session.received(JSON.stringify({ id, ...outcome }));

/** A watcher that lags in the middle of a text of which it has `one `. */
async function lagging() {
  const { hub, watcher } = bench();
  const connection = await watcher([a]);
  const stream = streamIn(a);
  hub.delta(stream, escapeText("one "));
  await tick();
  connection.socket.stuck = true;
  warn(hub, a, "x".repeat(1_100));
  await tick();
  return { hub, stream, watcher, ...connection };
}

const drain = (connection: { socket: MemorySocket; session: SessionEnd }): void => {
  connection.socket.stuck = false;
  connection.socket.drain();
  connection.session.drained();
};

describe("frames that are not JSON-RPC", () => {
  it("get no reply; the twentieth in a minute ends the connection with 1008", async () => {
    const { open, sessions } = bench();
    const { socket, session } = open();
    garbage(session, 18);
    session.receivedGarbage();
    await tick();
    expect([socket.writes, socket.closes, sessions.count]).toEqual([[], [], 1]);
    session.received("[]");
    expect(socket.closes).toEqual([
      { reason: "policyViolation", message: "20 frames in a minute that are not JSON-RPC" },
    ]);
    expect(sessions.count).toBe(0);
  });

  it("are forgotten after a minute", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { open } = bench();
    const { socket, session } = open();
    garbage(session, 19);
    vi.advanceTimersByTime(60_001);
    garbage(session, 19);
    expect(socket.closes).toEqual([]);
  });
});

describe("what is sent", () => {
  it("begins with the answer to initialize", async () => {
    const { open } = bench();
    const { socket, call } = open();
    call("initialize", { clientInfo: { name: "t", version: "1" } }, 1);
    await tick();
    expect(socket.trace).toEqual(["answer 1", "remoteControl/status/changed"]);
    expect(socket.writes.length).toBe(1);
  });

  it("keeps answers behind what was published before them, in one write per tick", async () => {
    const { hub, watcher } = bench();
    const { socket, call } = await watcher([a]);
    warn(hub, a, "1");
    call("subscribe", { threadId: b });
    warn(hub, b, "2");
    await tick();
    expect(socket.trace).toEqual(["warning", "answer subscribe", "warning"]);
    expect(socket.writes.length).toBe(1);
  });

  it("goes only to initialised connections", async () => {
    const { hub, open, watcher } = bench();
    const early = open();
    const ready = await watcher([]);
    hub.publish(threadArchived, { threadId: a });
    await tick();
    expect(early.socket.sent).toEqual([]);
    expect(ready.socket.trace).toEqual(["thread/archived"]);
  });

  it("leaves out what a client opted out of", async () => {
    const { hub, watcher } = bench();
    const { socket } = await watcher([a], { optOut: ["thread/archived"] });
    hub.publish(threadArchived, { threadId: a });
    warn(hub, a, "1");
    await tick();
    expect(socket.trace).toEqual(["warning"]);
  });

  it("is nothing more once the socket is closed", async () => {
    const { hub, watcher, sessions } = bench();
    const { socket, session, call } = await watcher([a]);
    session.closed();
    session.closed();
    call("subscribe", { threadId: b });
    warn(hub, a, "1");
    await tick();
    expect([socket.sent, sessions.count]).toEqual([[], 0]);
  });
});

describe("answers to server requests", () => {
  it("count from a connection that was asked, once", async () => {
    const { hub, watcher, answers } = bench();
    const { session } = await watcher([a]);
    ask(hub, 3);
    await tick();
    answer(session, 3, { result: { decision: "accept" } });
    answer(session, 3, { result: { decision: "decline" } });
    expect(answers).toEqual([[3, { result: { decision: "accept" } }]]);
  });

  it("count when they are errors too", async () => {
    const { hub, watcher, answers } = bench();
    const { session } = await watcher([a]);
    ask(hub, 3);
    await tick();
    answer(session, 3, { error: { code: -1, message: "no" } });
    expect(answers).toEqual([[3, { error: { code: -1, message: "no" } }]]);
  });

  it("do not count from one that was not asked: a stranger, a viewer, another id or type of id", async () => {
    const { hub, watcher, answers } = bench();
    const asked = await watcher([a]);
    const stranger = await watcher([b]);
    const viewer = await watcher([a], { role: "viewer" });
    ask(hub, 3);
    await tick();
    expect(viewer.socket.sent).toEqual([]);
    answer(stranger.session, 3, { result: 1 });
    answer(viewer.session, 3, { result: 1 });
    answer(asked.session, 4, { result: 1 });
    answer(asked.session, "3", { result: 1 });
    expect(answers).toEqual([]);
  });

  it("do not count after the request was resolved", async () => {
    const { hub, watcher, answers } = bench();
    const { session, socket } = await watcher([a]);
    ask(hub, 3);
    hub.resolved(a, 3);
    await tick();
    answer(session, 3, { result: 1 });
    expect([answers, socket.trace]).toEqual([[], ["item/x", "serverRequest/resolved"]]);
  });

  it("count after a request was shown anew to one who came late", async () => {
    const { watcher, answers, owed } = bench();
    const frame = textFrame('{"method":"item/x","id":5,"params":{}}');
    owed.push({ frame, method: "item/x", ask: 5 });
    const approver = await watcher([a], { role: "approver" });
    const viewer = await watcher([a], { role: "viewer" });
    answer(viewer.session, 5, { result: 1 });
    answer(approver.session, 5, { result: 2 });
    expect(answers).toEqual([[5, { result: 2 }]]);
  });
});

describe("a connection that reads too slowly", () => {
  it("gets state but no deltas, and when it catches up one delta that makes its text whole", async () => {
    const connection = await lagging();
    const { hub, stream, socket } = connection;
    for (const word of ["two ", "three "]) {
      hub.delta(stream, escapeText(word));
      await tick();
    }
    hub.publish(threadArchived, { threadId: a });
    await tick();
    expect(deltas(socket)).toEqual(["one "]);
    expect(socket.trace.at(-1)).toBe("thread/archived");
    hub.delta(stream, escapeText("four "));
    drain(connection);
    hub.delta(stream, escapeText("five"));
    await tick();
    expect(deltas(socket)).toEqual(["one ", "two three four ", "five"]);
  });

  it("stays behind until half of the soft limit is free", async () => {
    const { hub, stream, socket, session } = await lagging();
    hub.delta(stream, escapeText("two"));
    socket.drain(501);
    session.drained();
    await tick();
    expect(deltas(socket)).toEqual(["one "]);
    socket.drain(500);
    session.drained();
    await tick();
    expect(deltas(socket)).toEqual(["one ", "two"]);
  });

  it("is owed nothing of an item that was completed meanwhile", async () => {
    const connection = await lagging();
    connection.hub.delta(connection.stream, escapeText("two"));
    await tick();
    connection.stream.close();
    drain(connection);
    await tick();
    expect(deltas(connection.socket)).toEqual(["one "]);
  });

  it("is owed nothing of a thread that it left", async () => {
    const connection = await lagging();
    connection.hub.delta(connection.stream, escapeText("two"));
    await tick();
    connection.call("unsubscribe", { threadId: a });
    drain(connection);
    await tick();
    expect(deltas(connection.socket)).toEqual(["one "]);
  });

  it("is not given a second time what it was shown anew when it subscribed again", async () => {
    const connection = await lagging();
    const { hub, stream, socket, call } = connection;
    hub.delta(stream, escapeText("two "));
    await tick();
    call("subscribe", { threadId: a });
    hub.delta(stream, escapeText("three"));
    await tick();
    drain(connection);
    await tick();
    expect(deltas(socket)).toEqual(["one ", "three"]);
  });

  it("is closed with 1013 and the reason past the hard limit; others go on", async () => {
    const { hub, socket, watcher } = await lagging();
    const quick = await watcher([a]);
    for (let count = 0; count < 4; count++) {
      warn(hub, a, "y".repeat(1_000));
      await tick();
    }
    const [closed] = socket.closes;
    expect(closed?.reason).toBe("tryAgainLater");
    expect(closed?.message).toMatch(/^reads too slowly: \d+ bytes unsent; reconnect and resume$/);
    expect(quick.socket.closes).toEqual([]);
    expect(quick.socket.sent.length).toBe(4);
  });
});

describe("requests in flight", () => {
  it("past 1024 are refused with -32001 on that connection only, and taken again later", async () => {
    const gate = deferred<void>();
    const wait = method({
      ...fields,
      name: "wait",
      params: z.unknown(),
      handle: () => gate.promise,
    });
    const { watcher } = bench([wait]);
    const busy = await watcher([]);
    const calm = await watcher([]);
    for (let id = 0; id < 1_025; id++) busy.call("wait", {}, id);
    calm.call("unsubscribe", { threadId: a }, "calm");
    await tick();
    expect(busy.socket.sent).toEqual([
      { id: 1_024, error: { code: -32_001, message: expect.stringContaining("overloaded") } },
    ]);
    expect(calm.socket.sent).toEqual([{ id: "calm", result: false }]);
    gate.resolve();
    await tick();
    busy.call("unsubscribe", { threadId: a }, "again");
    await tick();
    expect(busy.socket.sent.at(-1)).toEqual({ id: "again", result: false });
    expect(busy.socket.sent.length).toBe(1_026);
  });
});

describe("the end of a session", () => {
  it("comes for all connections of a principal, and for no other", async () => {
    const { watcher, sessions } = bench();
    const mine = [await watcher([]), await watcher([])];
    const other = await watcher([], { id: "other" });
    sessions.end("d", "revoked", "taken away");
    for (const { socket } of mine) {
      expect(socket.closes).toEqual([{ reason: "revoked", message: "taken away" }]);
    }
    expect([other.socket.closes, sessions.count]).toEqual([[], 1]);
  });

  it("writes what was published before it", async () => {
    const { hub, watcher, sessions } = bench();
    const { socket } = await watcher([a]);
    warn(hub, a, "last");
    sessions.end("d", "revoked", "taken away");
    expect(socket.trace).toEqual(["warning"]);
  });

  it("comes for all with 1001 when the host goes down, and for those who come then", async () => {
    const { watcher, open, sessions } = bench();
    const before = await watcher([]);
    await sessions.closeAll();
    const after = open();
    for (const { socket } of [before, after]) {
      expect(socket.closes).toEqual([{ reason: "goingAway", message: "the host is going down" }]);
    }
    expect(sessions.count).toBe(0);
  });
});
