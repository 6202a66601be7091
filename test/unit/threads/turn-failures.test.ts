import { describe, expect, it } from "vitest";
import { ModelError } from "../../../src/model/port.ts";
import { StoreError } from "../../../src/store/port.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { tick } from "../../helpers/memory-socket.ts";
import {
  createThreadBench,
  ending,
  failsWith,
  said,
  says,
  sayTo,
  statuses,
  turnEnded,
  until,
  untilAborted,
  usage,
} from "../../helpers/thread-bench.ts";

describe("failures of the model", () => {
  it("are tried again as the provider says, each try announced", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.retryDelaysMs = [1, 1];
    const lost = new ModelError("stream", "stream lost", "other");
    bench.model.script.push(
      async (sink) => {
        sink.itemAdded({ type: "message", id: "m0", role: "assistant", content: [] });
        sink.textDelta("m0", Buffer.from("ha"));
        throw lost;
      },
      failsWith(lost),
      says("m1", "there"),
    );
    await bench.turn(id, "go");
    await turnEnded(outlet);
    const errors = outlet.sent.filter(({ method }) => method === "error");
    expect(errors.map(({ params }) => params?.["willRetry"])).toEqual([true, true]);
    expect(ending(outlet)).toMatchObject({ status: "completed", items: [{ text: "there" }] });
    expect(outlet.trace.at(-1)).toBe("turn/completed");
  });

  it("end the turn as failed when it gives up: status, error, turn/completed", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(failsWith(new ModelError("final", "no such model", "badRequest")));
    await bench.turn(id, "go");
    await turnEnded(outlet);
    expect(outlet.trace.slice(-4)).toEqual([
      "thread/status/changed",
      "error",
      "thread/readState/changed",
      "turn/completed",
    ]);
    const error = { message: "no such model", codexErrorInfo: "badRequest" };
    expect(outlet.sent.at(-3)?.params).toMatchObject({ willRetry: false, error });
    expect(ending(outlet)).toMatchObject({ status: "failed", error });
    expect((await bench.manager.read(id, false)).status).toEqual({ type: "systemError" });
    await bench.turn(id, "again");
    await turnEnded(outlet, 2);
    expect(statuses(outlet)).toEqual(["failed", "completed"]);
  });

  it("inside the host say so without details, which the log holds", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(failsWith(new Error("secret detail")));
    await bench.turn(id, "go");
    await turnEnded(outlet);
    expect(statuses(outlet)).toEqual(["failed"]);
    expect(JSON.stringify(outlet.sent)).not.toContain("secret detail");
    expect(bench.logged.length).toBe(1);
  });
});

describe("the store", () => {
  it("has an item before anybody is told that it is completed", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const gate = deferred<void>();
    bench.model.script.push(async (sink) => {
      bench.held.gate = gate.promise;
      sayTo(sink, "m1", ["one"]);
      sayTo(sink, "m2", ["two"]);
      return { responseId: null, usage };
    });
    await bench.turn(id, "go");
    await until(() => said(outlet, "m1") === "one");
    await tick();
    const completed = (): number => outlet.trace.filter((name) => name === "item/completed").length;
    // the person's own message alone; what comes after the text that is being stored waits
    expect([completed(), said(outlet, "m2")]).toEqual([1, ""]);
    gate.resolve();
    bench.held.gate = undefined;
    await turnEnded(outlet);
    expect([completed(), said(outlet, "m2")]).toEqual([3, "two"]);
    const firstStored = bench.held.appended.findIndex(
      (event) => event.kind === "itemCompleted" && event.item.id === "m1",
    );
    expect(firstStored).toBeGreaterThan(0);
  });

  it("that is full refuses a turn with its sentence; the thread goes on when there is room", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.held.failure = new StoreError("diskFull", "The disk is full. Free some space.");
    await expect(bench.turn(id, "go")).rejects.toMatchObject({
      code: -32603,
      message: "The disk is full. Free some space.",
    });
    await tick();
    expect(outlet.sent).toEqual([]);
    bench.held.failure = undefined;
    await bench.turn(id, "go");
    await turnEnded(outlet);
    expect(statuses(outlet)).toEqual(["completed"]);
  });

  it("that fills up in the middle fails the turn with its sentence; the thread goes on", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(async (sink) => {
      bench.held.failure = new StoreError("diskFull", "The disk is full. Free some space.");
      sayTo(sink, "m1", ["one"]);
      return { responseId: null, usage };
    });
    await bench.turn(id, "go");
    await turnEnded(outlet);
    expect(ending(outlet)).toMatchObject({
      status: "failed",
      error: { message: "The disk is full. Free some space." },
    });
    bench.held.failure = undefined;
    await bench.turn(id, "again");
    await turnEnded(outlet, 2);
    expect(statuses(outlet)).toEqual(["failed", "completed"]);
  });

  it("that fails once stops an answer there: nothing after the gap is told or kept", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(async (sink, signal) => {
      bench.held.failOnce = new StoreError("io", "The disk does not answer.");
      sayTo(sink, "m1", ["one"]);
      await tick();
      sayTo(sink, "m2", ["two"]);
      return untilAborted(signal);
    });
    await bench.turn(id, "go");
    await turnEnded(outlet);
    expect([statuses(outlet), said(outlet, "m2")]).toEqual([["failed"], ""]);
  });

  it("does not hold the host up when it closes while a first message cannot be stored", async () => {
    const bench = createThreadBench();
    const { id } = await bench.thread();
    const gate = deferred<void>();
    bench.held.gate = gate.promise;
    const turn = bench.turn(id, "go");
    await tick();
    const closed = bench.manager.close();
    bench.held.failure = new StoreError("diskFull", "The disk is full.");
    gate.resolve();
    await expect(turn).rejects.toThrow("The disk is full.");
    await expect(closed).resolves.toBeUndefined();
  });
});

describe("input that cannot be written", () => {
  it("does not leave a turn behind that never ends", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread({ ephemeral: true });
    let deep: unknown = 1;
    for (let depth = 0; depth < 50_000; depth++) deep = [deep];
    const { announce, turn } = await bench.manager.startTurn(id, {
      input: [{ type: "text", text: "x", text_elements: [deep] }],
      clientId: null,
      outputSchema: null,
    });
    announce();
    await turnEnded(outlet);
    expect(statuses(outlet)).toEqual(["failed"]);
    await expect(bench.manager.interrupt(id, turn.id)).rejects.toThrow("no active turn");
  });
});
