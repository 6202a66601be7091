import { describe, expect, it } from "vitest";
import { ModelError } from "../../../src/model/port.ts";
import { TurnId } from "../../../src/protocol/ids.ts";
import { StoreError } from "../../../src/store/port.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { tick } from "../../helpers/memory-socket.ts";
import type { RecordingOutlet } from "../../helpers/recording-outlet.ts";
import {
  calls,
  createThreadBench,
  failsWith,
  hangs,
  says,
  sayTo,
  turnEnded,
  until,
  untilAborted,
  usage,
} from "../../helpers/thread-bench.ts";

const text = (value: string) => [{ type: "text" as const, text: value, text_elements: [] }];

/** The last turn/completed, as far as tests look at it. */
const ending = (outlet: RecordingOutlet): unknown => {
  return outlet.sent.findLast(({ method }) => method === "turn/completed")?.params?.["turn"];
};
const statuses = (outlet: RecordingOutlet): readonly unknown[] =>
  outlet.sent
    .filter(({ method }) => method === "turn/completed")
    .map(({ params }) => Object(params?.["turn"])["status"]);
const said = (outlet: RecordingOutlet, itemId: string): string =>
  outlet.sent
    .filter(
      ({ method, params }) => method === "item/agentMessage/delta" && params?.["itemId"] === itemId,
    )
    .map(({ params }) => String(params?.["delta"]))
    .join("");

const forAll = ["thread/started", "thread/status/changed"];

describe("a turn", () => {
  it("tells its story in order", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.tools.set("look", async () => ({ output: "seen" }));
    bench.model.script.push(calls(["look", "c1"]), says("m1", "Hel", "lo"));
    const turnId = await bench.turn(id, "hi");
    await turnEnded(outlet);
    expect(outlet.trace).toEqual([
      "thread/status/changed",
      "turn/started",
      "item/started",
      "item/completed",
      "thread/tokenUsage/updated",
      "item/started",
      "item/agentMessage/delta",
      "item/agentMessage/delta",
      "item/completed",
      "thread/tokenUsage/updated",
      "thread/status/changed",
      "turn/completed",
    ]);
    expect(said(outlet, "m1")).toBe("Hello");
    expect(ending(outlet)).toMatchObject({
      id: turnId,
      status: "completed",
      error: null,
      itemsView: "summary",
      items: [{ type: "agentMessage", text: "Hello" }],
    });
    expect(bench.model.requests[1]?.input.map(({ type }) => type)).toEqual([
      "message",
      "message",
      "function_call",
      "function_call_output",
    ]);
    const view = await bench.manager.read(id, true);
    expect(view.turns.map(({ items }) => items.map(({ type }) => type))).toEqual([
      ["userMessage", "agentMessage"],
    ]);
    expect(bench.logged).toEqual([]);
  });

  it("runs tools one after another, and hands each output to its call", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const order: string[] = [];
    bench.tools.set("slow", async ({ callId }) => {
      order.push(`${callId} begins`);
      await tick();
      order.push(`${callId} ends`);
      return { output: callId };
    });
    bench.model.script.push(calls(["slow", "c1"], ["slow", "c2"]));
    await bench.turn(id, "go");
    await turnEnded(outlet);
    expect(order).toEqual(["c1 begins", "c1 ends", "c2 begins", "c2 ends"]);
    const outputs = bench.model.requests[1]?.input.filter(({ type }) => type.includes("call"));
    expect(outputs?.map((item) => [item.type, item["call_id"], item["output"]])).toEqual([
      ["function_call", "c1", undefined],
      ["function_call_output", "c1", "c1"],
      ["function_call", "c2", undefined],
      ["function_call_output", "c2", "c2"],
    ]);
  });

  it("runs beside turns of other threads, each told of to its own watchers", async () => {
    const bench = createThreadBench();
    const threads = await Promise.all([bench.thread(), bench.thread(), bench.thread()]);
    const gate = deferred<void>();
    threads.forEach((_thread, index) =>
      bench.model.script.push(async (sink) => {
        await gate.promise;
        sayTo(sink, `m${index}`, [`a${index} `, `b${index}`]);
        return { responseId: null, usage };
      }),
    );
    for (const { id } of threads) await bench.turn(id, "go");
    gate.resolve();
    for (const { outlet } of threads) await turnEnded(outlet);
    threads.forEach(({ id, outlet }, index) => {
      expect(said(outlet, `m${index}`)).toBe(`a${index} b${index}`);
      const foreign = outlet.sent.filter(
        ({ method = "", params }) => !forAll.includes(method) && params?.["threadId"] !== id,
      );
      expect(foreign.map(({ method }) => method)).toEqual([]);
    });
  });

  it("adds up what it used", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    await bench.turn(id, "one");
    await turnEnded(outlet);
    await bench.turn(id, "two");
    await turnEnded(outlet, 2);
    const told = outlet.sent.filter(({ method }) => method === "thread/tokenUsage/updated");
    expect(told.map(({ params }) => Object(params?.["tokenUsage"]).total.totalTokens)).toEqual([
      10, 20,
    ]);
  });
});

describe("steering", () => {
  it("drops the request in flight and asks anew with what was added", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(hangs("m1", "half a"), says("m2", "new answer"));
    const turnId = await bench.turn(id, "first");
    await until(() => bench.model.requests.length === 1);
    const steer = await bench.manager.steer(id, TurnId.parse(turnId), text("second"), "mine");
    steer.announce();
    await turnEnded(outlet);
    const users = bench.model.requests[1]?.input.filter(({ role }) => role === "user");
    expect(JSON.stringify(users?.at(-1))).toContain("second");
    expect(statuses(outlet)).toEqual(["completed"]);
    expect(said(outlet, "m2")).toBe("new answer");
  });

  it("waits for the tool that runs, and goes along with its output", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const gate = deferred<void>();
    bench.tools.set("wait", async () => {
      await gate.promise;
      return { output: "waited" };
    });
    bench.model.script.push(calls(["wait", "c1"]));
    const turnId = await bench.turn(id, "first");
    await until(() => bench.model.requests.length === 1);
    await tick();
    const steer = await bench.manager.steer(id, TurnId.parse(turnId), text("second"), null);
    steer.announce();
    gate.resolve();
    await turnEnded(outlet);
    expect(bench.model.requests.length).toBe(2);
    const input = JSON.stringify(bench.model.requests[1]?.input);
    expect(input).toContain("waited");
    expect(input).toContain("second");
  });

  it("twice in a row reaches the model whole", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(hangs("m1", "half"));
    const turnId = TurnId.parse(await bench.turn(id, "first"));
    await until(() => bench.model.requests.length === 1);
    const second = await bench.manager.steer(id, turnId, text("second"), null);
    // the third begins to be stored before the second was announced
    const third = bench.manager.steer(id, turnId, text("third"), null);
    second.announce();
    (await third).announce();
    await turnEnded(outlet);
    const last = JSON.stringify(bench.model.requests.at(-1)?.input);
    expect([last.includes("second"), last.includes("third")]).toEqual([true, true]);
    const view = await bench.manager.read(id, true);
    expect(view.turns[0]?.items.filter(({ type }) => type === "userMessage").length).toBe(3);
  });

  it("by a second turn/start joins the turn that runs", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(hangs("m1", "half"));
    const first = await bench.turn(id, "first");
    await until(() => bench.model.requests.length === 1);
    expect(await bench.turn(id, "second")).toBe(first);
    await turnEnded(outlet);
    expect(statuses(outlet)).toEqual(["completed"]);
  });

  it("is refused when no turn runs, for another turn, and without input", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const other = TurnId.parse("other");
    await expect(bench.manager.steer(id, other, text("x"), null)).rejects.toThrow(
      "no active turn to steer",
    );
    bench.model.script.push(hangs("m1"));
    const turnId = TurnId.parse(await bench.turn(id, "first"));
    await expect(bench.manager.steer(id, other, text("x"), null)).rejects.toThrow(
      `expected active turn id \`other\` but found \`${turnId}\``,
    );
    await expect(bench.manager.steer(id, turnId, [], null)).rejects.toThrow(
      "input must not be empty",
    );
    (await bench.manager.interrupt(id, turnId)).announce();
    await turnEnded(outlet);
  });

  it("that cannot be stored is refused with the reason, and the turn goes on", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(hangs("m1"));
    const turnId = TurnId.parse(await bench.turn(id, "first"));
    await until(() => bench.model.requests.length === 1);
    bench.held.failOnce = new StoreError("diskFull", "The disk is full. Free some space.");
    const steer = bench.manager.steer(id, turnId, text("second"), null);
    await expect(steer).rejects.toMatchObject({
      code: -32603,
      message: "The disk is full. Free some space.",
    });
    await turnEnded(outlet);
    expect(statuses(outlet)).toEqual(["completed"]);
  });
});

describe("an interruption", () => {
  const phases: readonly [string, (bench: ReturnType<typeof createThreadBench>) => void][] = [
    [
      "before the model says anything",
      ({ model }) => model.script.push((_sink, signal) => untilAborted(signal)),
    ],
    ["in the middle of a text", ({ model }) => model.script.push(hangs("m1", "half"))],
    [
      "while a tool runs",
      ({ model, tools }) => {
        tools.set("wait", (_call, { signal }) => untilAborted(signal));
        model.script.push(calls(["wait", "c1"]));
      },
    ],
    [
      "while it waits to try again",
      ({ model }) => {
        model.retryDelaysMs = [60_000];
        model.script.push(failsWith(new ModelError("stream", "lost", "other")));
      },
    ],
  ];

  it.each(phases)(
    "%s ends the turn, and is answered before that is told",
    async (_name, prepare) => {
      const bench = createThreadBench();
      const { id, outlet } = await bench.thread();
      prepare(bench);
      const turnId = TurnId.parse(await bench.turn(id, "go"));
      await until(() => bench.model.requests.length === 1);
      await tick();
      const { announce } = await bench.manager.interrupt(id, turnId);
      await tick();
      expect(statuses(outlet)).toEqual([]);
      announce();
      await tick();
      expect(ending(outlet)).toMatchObject({ id: turnId, status: "interrupted", items: [] });
      expect(outlet.trace.filter((name) => name === "item/completed").length).toBe(1);
      await bench.turn(id, "again");
      await turnEnded(outlet, 2);
      expect(JSON.stringify(bench.model.requests.at(-1)?.input)).toContain("<turn_aborted>");
    },
  );

  it("before the turn was announced still ends it", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const { turn, announce } = await bench.manager.startTurn(id, {
      input: text("go"),
      clientId: null,
      outputSchema: null,
    });
    const interrupted = bench.manager.interrupt(id, turn.id);
    announce();
    (await interrupted).announce();
    await turnEnded(outlet);
    expect([statuses(outlet), bench.model.requests.length]).toEqual([["interrupted"], 0]);
  });

  it("by two people at once is answered to both and told once", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(hangs("m1"));
    const turnId = TurnId.parse(await bench.turn(id, "go"));
    await until(() => bench.model.requests.length === 1);
    const both = await Promise.all([
      bench.manager.interrupt(id, turnId),
      bench.manager.interrupt(id, turnId),
    ]);
    for (const { announce } of both) announce();
    await tick();
    expect(statuses(outlet)).toEqual(["interrupted"]);
  });

  it("does not wait for ever for a tool that does not stop", { timeout: 15_000 }, async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.tools.set("deaf", () => new Promise(() => {}));
    bench.model.script.push(calls(["deaf", "c1"]));
    const turnId = TurnId.parse(await bench.turn(id, "go"));
    await until(() => bench.model.requests.length === 1);
    await tick();
    (await bench.manager.interrupt(id, turnId)).announce();
    await tick();
    expect(statuses(outlet)).toEqual(["interrupted"]);
  });

  it("does not begin a tool once it came", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const begun: string[] = [];
    bench.tools.set("first", async (_call, { turnId }) => {
      void bench.manager.interrupt(id, turnId).then(({ announce }) => announce());
      return { output: "done" };
    });
    bench.tools.set("second", async () => {
      begun.push("second");
      return { output: "done" };
    });
    bench.model.script.push(calls(["first", "c1"], ["second", "c2"]));
    await bench.turn(id, "go");
    await turnEnded(outlet);
    expect([begun, statuses(outlet)]).toEqual([[], ["interrupted"]]);
  });

  it("is refused at once when the turn is not active", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const turnId = TurnId.parse(await bench.turn(id, "go"));
    await turnEnded(outlet);
    await expect(bench.manager.interrupt(id, turnId)).rejects.toMatchObject({
      code: -32600,
      message: "no active turn to interrupt",
    });
    bench.model.script.push(hangs("m1"));
    const second = TurnId.parse(await bench.turn(id, "more"));
    await expect(bench.manager.interrupt(id, turnId)).rejects.toThrow(
      `expected active turn id ${turnId} but found ${second}`,
    );
    (await bench.manager.interrupt(id, second)).announce();
  });
});

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
    expect(outlet.trace.slice(-3)).toEqual(["thread/status/changed", "error", "turn/completed"]);
    const error = { message: "no such model", codexErrorInfo: "badRequest" };
    expect(outlet.sent.at(-2)?.params).toMatchObject({ willRetry: false, error });
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
