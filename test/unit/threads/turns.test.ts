import { describe, expect, it } from "vitest";
import { TurnId } from "../../../src/protocol/ids.ts";
import { StoreError } from "../../../src/store/port.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { tick } from "../../helpers/memory-socket.ts";
import {
  calls,
  createThreadBench,
  ending,
  hangs,
  said,
  says,
  sayTo,
  statuses,
  textInput,
  turnEnded,
  until,
  usage,
} from "../../helpers/thread-bench.ts";

const forAll: ReadonlySet<string> = new Set(["thread/started", "thread/status/changed"]);

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
      "thread/readState/changed",
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
        ({ method = "", params }) => !forAll.has(method) && params?.["threadId"] !== id,
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
    const steer = await bench.manager.steer(id, TurnId.parse(turnId), textInput("second"), "mine");
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
    const steer = await bench.manager.steer(id, TurnId.parse(turnId), textInput("second"), null);
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
    const second = await bench.manager.steer(id, turnId, textInput("second"), null);
    // the third begins to be stored before the second was announced
    const third = bench.manager.steer(id, turnId, textInput("third"), null);
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
    await expect(bench.manager.steer(id, other, textInput("x"), null)).rejects.toThrow(
      "no active turn to steer",
    );
    bench.model.script.push(hangs("m1"));
    const turnId = TurnId.parse(await bench.turn(id, "first"));
    await expect(bench.manager.steer(id, other, textInput("x"), null)).rejects.toThrow(
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
    const steer = bench.manager.steer(id, turnId, textInput("second"), null);
    await expect(steer).rejects.toMatchObject({
      code: -32603,
      message: "The disk is full. Free some space.",
    });
    await turnEnded(outlet);
    expect(statuses(outlet)).toEqual(["completed"]);
  });
});
