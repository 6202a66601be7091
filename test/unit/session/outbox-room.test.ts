import { describe, expect, test } from "vitest";
import { EventHub } from "../../../src/events/event-hub.ts";
import { Outbox } from "../../../src/session/outbox.ts";
import { MemorySocket, tick } from "../../helpers/memory-socket.ts";

const frame = (bytes: number): Buffer => Buffer.alloc(bytes);

function bench() {
  const socket = new MemorySocket();
  const hub = new EventHub();
  const outbox = new Outbox(
    socket,
    hub,
    { softBytes: 1_000, hardBytes: 8_000, answerBytes: 8_000 },
    "admin",
  );
  const log: string[] = [];
  const wait = (): void => {
    const room = outbox.whenRoom();
    if (room) void room.then(() => log.push("room"));
    else log.push("at once");
  };
  return { socket, outbox, wait, log };
}

function stuck() {
  const made = bench();
  made.socket.stuck = true;
  return made;
}

describe("room in an outbox", () => {
  test("is there up to the soft limit", () => {
    const { outbox, wait, log } = bench();
    outbox.send(frame(1_000));
    wait();
    expect(log).toEqual(["at once"]);
  });

  test("past it, comes with the end of the tick when the kernel takes all", async () => {
    const { outbox, wait, log } = bench();
    outbox.send(frame(1_001));
    wait();
    expect(log).toEqual([]);
    await tick();
    expect(log).toEqual(["room"]);
  });

  test("comes back only when a reader that was too slow has caught up", async () => {
    const { socket, outbox, wait, log } = bench();
    socket.stuck = true;
    outbox.send(frame(2_000));
    wait();
    await tick();
    wait();
    socket.drain(600);
    outbox.drained(0);
    await tick();
    expect(log).toEqual([]);
    socket.drain(500);
    outbox.drained(0);
    await tick();
    expect(log).toEqual(["room", "room"]);
  });

  test("is not waited for any longer once the connection is gone", async () => {
    const { socket, outbox, wait, log } = bench();
    socket.stuck = true;
    outbox.send(frame(2_000));
    await tick();
    wait();
    outbox.release();
    await tick();
    expect(log).toEqual(["room"]);
  });
});

describe("the hard limit of an outbox", () => {
  test("does not count what was asked for: one answer of any size, or many within their own limit", async () => {
    const one = stuck();
    one.outbox.answer(frame(60_000), frame(40_000));
    const many = stuck();
    for (const bytes of [4_000, 4_000, 4_000]) many.outbox.answer(frame(bytes));
    await tick();
    expect([one.socket.closes, many.socket.closes]).toEqual([[], []]);
  });

  test("counts what comes unasked beside an answer, and answers that pile up", async () => {
    const unasked = stuck();
    unasked.outbox.answer(frame(100_000));
    unasked.outbox.send(frame(8_001));
    const piled = stuck();
    for (let count = 0; count < 5; count += 1) piled.outbox.answer(frame(4_000));
    await tick();
    const reasons = [unasked, piled].map(({ socket }) => socket.closes.map(({ reason }) => reason));
    expect(reasons).toEqual([["tryAgainLater"], ["tryAgainLater"]]);
  });

  test("forgets the answers once they are sent", async () => {
    const { socket, outbox } = stuck();
    outbox.answer(frame(100_000));
    await tick();
    socket.drain();
    outbox.drained(0);
    outbox.send(frame(8_001));
    await tick();
    expect(socket.closes.map(({ reason }) => reason)).toEqual(["tryAgainLater"]);
  });
});
