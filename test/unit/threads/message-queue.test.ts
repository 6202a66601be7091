import { describe, expect, it } from "vitest";
import { RpcError } from "../../../src/protocol/errors.ts";
import { ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import { QueuedMessage } from "../../../src/protocol/queued-message.ts";
import type { ThreadQueue } from "../../../src/threads/side-state-port.ts";
import { StoreError } from "../../../src/store/port.ts";
import { deferred } from "../../../src/util/deferred.ts";
import {
  createThreadBench,
  failsWith,
  hangs,
  says,
  statuses,
  textInput,
  turnEnded,
  until,
} from "../../helpers/thread-bench.ts";
import type { ThreadBench } from "../../helpers/thread-bench.ts";

const add = async (queue: ThreadQueue, id: ThreadId, text: string): Promise<string> => {
  const { message, announce } = await queue.add(id, {
    input: textInput(text),
    clientId: `client ${text}`,
    clientMetadata: null,
  });
  announce();
  return message.id;
};

const waiting = async (queue: ThreadQueue, id: ThreadId): Promise<readonly string[]> =>
  (await queue.list(id, { cursor: 0, limit: 100 })).data.map(({ clientId }) => clientId);

/** A thread whose turn runs until it is interrupted. */
async function busy(bench: ThreadBench) {
  const { id, outlet } = await bench.thread();
  bench.model.script.push(hangs("m1", "working"));
  const turnId = await bench.turn(id, "hi");
  await until(() => outlet.trace.includes("item/agentMessage/delta"));
  const interrupt = async (): Promise<void> => {
    const { announce } = await bench.manager.interrupt(id, TurnId.parse(turnId));
    announce();
  };
  return { id, outlet, interrupt, queue: bench.manager.queue };
}

const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: unknown) =>
      error instanceof RpcError ? `${error.code} ${error.message}` : String(error),
  );

describe("a message that waits", () => {
  it("begins at once where the thread is free", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(says("m1", "A"));
    await add(bench.manager.queue, id, "one");
    await turnEnded(outlet);
    expect(await waiting(bench.manager.queue, id)).toEqual([]);
    const { turns } = await bench.manager.read(id, true);
    expect(turns[0]?.items[0]).toMatchObject({ type: "userMessage", clientId: "client one" });
    expect(outlet.trace.filter((name) => name === "thread/queue/changed")).toHaveLength(2);
  });

  it("begins when the turn before it has ended, also when that failed", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const failing = deferred<void>();
    bench.model.script.push(async (sink, signal, request) => {
      await failing.promise;
      return failsWith(new Error("boom"))(sink, signal, request);
    });
    await bench.turn(id, "hi");
    await add(bench.manager.queue, id, "one");
    await add(bench.manager.queue, id, "two");
    expect(await waiting(bench.manager.queue, id)).toEqual(["client one", "client two"]);
    failing.resolve();
    await turnEnded(outlet, 3);
    expect(statuses(outlet)).toEqual(["failed", "completed", "completed"]);
  });

  it("stays after an interruption, until somebody starts it or a turn completes", async () => {
    const bench = createThreadBench();
    const { id, outlet, interrupt, queue } = await busy(bench);
    await add(queue, id, "one");
    const second = await add(queue, id, "two");
    await interrupt();
    await add(queue, id, "three");
    expect(await waiting(queue, id)).toEqual(["client one", "client two", "client three"]);
    const { announce } = await queue.start(id, second);
    announce();
    await turnEnded(outlet, 4);
    expect(await waiting(queue, id)).toEqual([]);
    const { turns } = await bench.manager.read(id, true);
    expect(
      turns.map(({ items: [first] }) => (first?.type === "userMessage" ? first.clientId : "")),
    ).toEqual([null, "client two", "client one", "client three"]);
  });

  it("survives a restart and begins when its thread is loaded", async () => {
    const bench = createThreadBench();
    const { id, outlet, interrupt, queue } = await busy(bench);
    await add(queue, id, "one");
    await interrupt();
    const after = bench.restarted();
    await add(after.queue, id, "two");
    expect(await waiting(after.queue, id)).toEqual(["client one", "client two"]);
    expect(await refusal(after.queue.start(id, undefined))).toBe(
      "-32600 resume the thread before starting a queued message",
    );
    await bench.manager.close();
    await after.resume(id, { includeTurns: false });
    after.queue.advance(id);
    await turnEnded(outlet, 3);
    expect(await waiting(after.queue, id)).toEqual([]);
  });

  it("is said once, where the host ends between its turn and the queue", async () => {
    const bench = createThreadBench();
    const { id, interrupt, queue } = await busy(bench);
    for (const text of ["one", "two"]) await add(queue, id, text);
    await interrupt();
    const { turn } = await queue.start(id, undefined);
    const after = bench.restarted();
    const kind = { name: "queue", parse: (value: unknown) => QueuedMessage.array().parse(value) };
    const [two] = (await bench.held.store.notes.read(id, kind)) ?? [];
    const left = [
      { ...two, id: "begun", turnId: turn.id },
      { ...two, id: "not begun", turnId: TurnId.parse("01a2040b-9765-7000-8325-f4574125819a") },
    ];
    await bench.held.store.notes.change(id, kind, () => ({
      value: QueuedMessage.array().parse(left),
    }));
    const { data } = await after.queue.list(id, { cursor: 0, limit: 10 });
    expect(data.map((message) => message.id)).toEqual(["not begun"]);
  });

  it("is kept where its turn could not be stored", async () => {
    const bench = createThreadBench();
    const { id, outlet, interrupt, queue } = await busy(bench);
    await add(queue, id, "one");
    await interrupt();
    bench.held.failure = new StoreError("diskFull", "The disk is full.");
    expect(await refusal(queue.start(id, undefined))).toContain("The disk is full.");
    expect(await waiting(queue, id)).toEqual(["client one"]);
    bench.held.failure = undefined;
    const { announce } = await queue.start(id, undefined);
    announce();
    await turnEnded(outlet, 2);
  });

  it("can be changed, moved and taken back", async () => {
    const bench = createThreadBench();
    const { id, interrupt, queue } = await busy(bench);
    const ids = [
      await add(queue, id, "one"),
      await add(queue, id, "two"),
      await add(queue, id, "three"),
    ];
    const [one = "", two = "", three = ""] = ids;
    const { message } = await queue.update(id, two, {
      input: textInput("other"),
      clientMetadata: { a: "b" },
    });
    expect(message).toEqual({
      id: two,
      input: textInput("other"),
      clientId: "client two",
      clientMetadata: { a: "b" },
    });
    await queue.reorder(id, [three, two, one]);
    expect(await waiting(queue, id)).toEqual(["client three", "client two", "client one"]);
    for (const wrong of [[], [one], [one, one, two], [one, two, "zz"], [one, two, three, one]]) {
      expect(await refusal(queue.reorder(id, wrong))).toBe(
        "-32600 queue reorder must include every queued submission exactly once",
      );
    }
    expect((await queue.delete(id, one)).deleted).toBe(true);
    expect((await queue.delete(id, one)).deleted).toBe(false);
    expect(await queue.list(id, { cursor: 0, limit: 1 })).toMatchObject({
      data: [{ id: three }],
      nextCursor: 1,
    });
    expect(await queue.list(id, { cursor: 1, limit: 1 })).toMatchObject({
      data: [{ id: two, clientMetadata: { a: "b" } }],
      nextCursor: null,
    });
    await interrupt();
  });

  it("is dropped when its sender's access ends, and what others sent goes on", async () => {
    const ended = new Set<string>();
    const bench = createThreadBench({ maySend: (id) => !ended.has(id) });
    const { id, outlet, interrupt, queue } = await busy(bench);
    const put = async (text: string, from: string): Promise<void> => {
      const message = { input: textInput(text), clientId: text, clientMetadata: null, from };
      (await queue.add(id, message)).announce();
    };
    await put("thief's", "thief");
    await put("owner's", "owner");
    await put("thief's second", "thief");
    ended.add("thief");
    expect(await waiting(queue, id)).toEqual(["owner's"]);
    const before = outlet.trace.length;
    await queue.dropUnsendable();
    await until(() => outlet.trace.slice(before).includes("thread/queue/changed"));
    ended.clear();
    expect(await waiting(queue, id)).toEqual(["owner's"]);
    await interrupt();
  });

  it("is refused with a reason", async () => {
    const bench = createThreadBench();
    const { id, interrupt, queue } = await busy(bench);
    const empty = { input: [], clientId: "c", clientMetadata: null };
    const noInput = "only user input can be added to the user-message queue";
    await expect(async () => queue.add(id, empty)).rejects.toThrow(noInput);
    await expect(async () => queue.update(id, "zz", empty)).rejects.toThrow(noInput);
    const change = { input: textInput("x"), clientMetadata: null };
    expect(await refusal(queue.update(id, "zz", change))).toBe(
      "-32600 queued submission not found: zz",
    );
    expect(await refusal(queue.start(id, undefined))).toBe(
      "-32600 thread already has an active or pending turn",
    );
    const unknown = ThreadId.parse("00000000-0000-4000-8000-000000000000");
    expect(await refusal(queue.list(unknown, { cursor: 0, limit: 1 }))).toBe(
      `-32603 failed to read thread: invalid thread-store request: no rollout found for thread id ${unknown}`,
    );
    await interrupt();
    expect(await refusal(queue.start(id, undefined))).toBe("-32600 queue is empty");
    expect(await refusal(queue.start(id, "zz"))).toBe("-32600 queued submission not found: zz");
  });
});
