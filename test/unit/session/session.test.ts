import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { method } from "../../../src/dispatch/define.ts";
import type { EventHub } from "../../../src/events/event-hub.ts";
import { TextStream, escapeText } from "../../../src/events/text-stream.ts";
import { ItemId, ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import { agentMessageDelta } from "../../../src/protocol/item-notifications.ts";
import { threadArchived, warning } from "../../../src/protocol/thread-notifications.ts";
import type { SessionEnd } from "../../../src/session/port.ts";
import { deferred } from "../../../src/util/deferred.ts";
import type { MemorySocket } from "../../helpers/memory-socket.ts";
import { tick } from "../../helpers/memory-socket.ts";
import { sessionBench } from "../../helpers/session-bench.ts";

const a = ThreadId.parse("a");
const b = ThreadId.parse("b");

afterEach(() => void vi.useRealTimers());

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

/** A watcher that lags in the middle of a text of which it has `one `. */
async function lagging() {
  const { hub, watcher } = sessionBench();
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
    const { open, sessions } = sessionBench();
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
    const { open } = sessionBench();
    const { socket, session } = open();
    garbage(session, 19);
    vi.advanceTimersByTime(60_001);
    garbage(session, 19);
    expect(socket.closes).toEqual([]);
  });
});

describe("what is sent", () => {
  it("begins with the answer to initialize", async () => {
    const { open } = sessionBench();
    const { socket, call } = open();
    call("initialize", { clientInfo: { name: "t", version: "1" } }, 1);
    await tick();
    expect(socket.trace).toEqual(["answer 1", "remoteControl/status/changed"]);
    expect(socket.writes.length).toBe(1);
  });

  it("keeps answers behind what was published before them, in one write per tick", async () => {
    const { hub, watcher } = sessionBench();
    const { socket, call } = await watcher([a]);
    warn(hub, a, "1");
    call("subscribe", { threadId: b });
    warn(hub, b, "2");
    await tick();
    expect(socket.trace).toEqual(["warning", "answer subscribe", "warning"]);
    expect(socket.writes.length).toBe(1);
  });

  it("goes only to initialised connections", async () => {
    const { hub, open, watcher } = sessionBench();
    const early = open();
    const ready = await watcher([]);
    hub.publish(threadArchived, { threadId: a });
    await tick();
    expect(early.socket.sent).toEqual([]);
    expect(ready.socket.trace).toEqual(["thread/archived"]);
  });

  it("leaves out what a client opted out of", async () => {
    const { hub, watcher } = sessionBench();
    const { socket } = await watcher([a], { optOut: ["thread/archived"] });
    hub.publish(threadArchived, { threadId: a });
    warn(hub, a, "1");
    await tick();
    expect(socket.trace).toEqual(["warning"]);
  });

  it("is nothing more once the socket is closed", async () => {
    const { hub, watcher, sessions } = sessionBench();
    const { socket, session, call } = await watcher([a]);
    session.closed(1006);
    session.closed(1006);
    call("subscribe", { threadId: b });
    warn(hub, a, "1");
    await tick();
    expect([socket.sent, sessions.count]).toEqual([[], 0]);
  });
});

describe("a connection that reads too slowly", () => {
  it("gets nothing more, and when it catches up all in its order, each run of deltas as one", async () => {
    const connection = await lagging();
    const { hub, stream, socket } = connection;
    for (const word of ["two ", "three "]) {
      hub.delta(stream, escapeText(word));
      await tick();
    }
    hub.publish(threadArchived, { threadId: a });
    await tick();
    hub.delta(stream, escapeText("four "));
    hub.delta(stream, escapeText("five "));
    await tick();
    expect([deltas(socket), socket.trace.at(-1)]).toEqual([["one "], "warning"]);
    drain(connection);
    hub.delta(stream, escapeText("six"));
    await tick();
    expect(
      socket.sent.slice(2).map(({ method: name, params, seq }) => [name, params?.["delta"], seq]),
    ).toEqual([
      ["item/agentMessage/delta", "two three ", 4],
      ["thread/archived", undefined, 5],
      ["item/agentMessage/delta", "four five ", 7],
      ["item/agentMessage/delta", "six", 8],
    ]);
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
      stability: "stable",
      role: "viewer",
      result: z.unknown(),
      name: "wait",
      params: z.unknown(),
      handle: () => gate.promise,
    });
    const { watcher } = sessionBench([wait]);
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
    const { watcher, sessions } = sessionBench();
    const mine = [await watcher([]), await watcher([])];
    const other = await watcher([], { id: "other" });
    sessions.end("d", "revoked", "taken away");
    for (const { socket } of mine) {
      expect(socket.closes).toEqual([{ reason: "revoked", message: "taken away" }]);
    }
    expect([other.socket.closes, sessions.count]).toEqual([[], 1]);
  });

  it("writes what was published before it", async () => {
    const { hub, watcher, sessions } = sessionBench();
    const { socket } = await watcher([a]);
    warn(hub, a, "last");
    sessions.end("d", "revoked", "taken away");
    expect(socket.trace).toEqual(["warning"]);
  });

  it("comes for all with 1001 when the host goes down, and for those who come then", async () => {
    const { watcher, open, sessions } = sessionBench();
    const before = await watcher([]);
    await sessions.closeAll();
    const after = open();
    for (const { socket } of [before, after]) {
      expect(socket.closes).toEqual([{ reason: "goingAway", message: "the host is going down" }]);
    }
    expect(sessions.count).toBe(0);
  });
});
