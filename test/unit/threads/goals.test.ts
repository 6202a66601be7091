import { describe, expect, it } from "vitest";
import { RpcError } from "../../../src/protocol/errors.ts";
import type { ThreadGoal } from "../../../src/protocol/goal.ts";
import { ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import type { GoalChange } from "../../../src/threads/side-state-port.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { tick } from "../../helpers/memory-socket.ts";
import type { RecordingOutlet } from "../../helpers/recording-outlet.ts";
import {
  callTo,
  createThreadBench,
  failsWith,
  hangs,
  saidThread,
  sayTo,
  turnEnded,
  until,
  usage,
} from "../../helpers/thread-bench.ts";
import type { Reply, ThreadBench } from "../../helpers/thread-bench.ts";

/** What an answer below costs: what is new to the model, and what it writes. */
const cost = 110;
const paid = {
  responseId: null,
  usage: { ...usage, inputTokens: 100, cachedInputTokens: 20, outputTokens: 30, totalTokens: 130 },
};
const says =
  (id: string, text: string): Reply =>
  async (sink) => {
    sayTo(sink, id, [text]);
    return paid;
  };
const calls =
  (name: string, args: object = {}): Reply =>
  async (sink) => {
    callTo(sink, name, `call_${name}`, JSON.stringify(args));
    return paid;
  };

const goalsOn = { goalsOn: () => true };

const set = async (bench: ThreadBench, id: ThreadId, change: GoalChange, from = "local") => {
  const { goal, announce } = await bench.manager.goals.set(id, change, from);
  announce();
  return goal;
};

/** What was told of goals: status, cost, and whether in a turn. */
const told = (outlet: RecordingOutlet) =>
  outlet.sent.flatMap(({ method, params }) => {
    if (method === "thread/goal/cleared") return ["cleared"];
    if (method !== "thread/goal/updated") return [];
    const { status, tokensUsed }: Partial<ThreadGoal> = Object(params?.["goal"]);
    return [`${status} ${tokensUsed}${params?.["turnId"] ? " in a turn" : ""}`];
  });

/** What the model was told last, before it answered the request `at`. */
const heard = (bench: ThreadBench, at: number): string =>
  JSON.stringify(bench.model.requests[at]?.input.at(-1));

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof RpcError ? error.message : String(error)),
  );

/** Resolves when nothing has begun by itself for a while. */
async function quiet(bench: ThreadBench, id: ThreadId): Promise<void> {
  for (let ticks = 0; ticks < 20; ticks += 1) {
    await tick();
    const { status } = await bench.manager.read(id, false);
    if (status.type === "active") ticks = 0;
  }
}

describe("a goal", () => {
  it("that is active begins turns until one of them does nothing, and pays for them", async () => {
    const bench = createThreadBench(goalsOn);
    bench.tools.set("work", () => Promise.resolve({ output: "done" }));
    const { id, outlet } = await saidThread(bench);
    bench.model.script.push(calls("work"), says("m1", "worked"), says("m2", "idle"));
    await set(bench, id, { objective: "Fix <it>", tokenBudget: 10_000 });
    await quiet(bench, id);
    expect(outlet.trace.filter((method) => !method.startsWith("item/"))).toEqual([
      "thread/goal/updated",
      "thread/status/changed",
      "turn/started",
      "thread/tokenUsage/updated",
      "thread/tokenUsage/updated",
      "thread/goal/updated",
      "thread/tokenUsage/updated",
      "thread/goal/updated",
      "thread/readState/changed",
      "thread/status/changed",
      "turn/completed",
      "thread/status/changed",
      "turn/started",
      "thread/tokenUsage/updated",
      "thread/tokenUsage/updated",
      "thread/goal/updated",
      "thread/readState/changed",
      "thread/status/changed",
      "turn/completed",
    ]);
    expect(told(outlet)).toEqual([
      "active 0",
      `active ${cost} in a turn`,
      `active ${2 * cost} in a turn`,
      `active ${3 * cost} in a turn`,
    ]);
    expect(heard(bench, 1)).toContain("Fix &lt;it&gt;");
    expect(heard(bench, 1)).toContain('"developer"');
    const { turns } = await bench.manager.read(id, true);
    expect(turns.at(-1)?.items.map(({ type }) => type)).toEqual(["agentMessage"]);
    // what a person writes wakes it
    bench.model.script.push(says("m3", "to you"), says("m4", "idle again"));
    await bench.turn(id, "and?");
    await quiet(bench, id);
    expect(bench.model.requests).toHaveLength(6);
    expect(await bench.manager.goals.get(id)).toMatchObject({ tokensUsed: 5 * cost });
  });

  it("ends at its budget: the model is told once, and nothing begins any more", async () => {
    const bench = createThreadBench(goalsOn);
    bench.tools.set("work", () => Promise.resolve({ output: "done" }));
    const { id, outlet } = await saidThread(bench);
    bench.model.script.push(calls("work"), calls("work"), calls("work"), says("m1", "so far"));
    await set(bench, id, { objective: "Fix it", tokenBudget: 150 });
    await quiet(bench, id);
    expect(told(outlet)).toEqual([
      "active 0",
      `active ${cost} in a turn`,
      `budgetLimited ${2 * cost} in a turn`,
      `budgetLimited ${3 * cost} in a turn`,
      `budgetLimited ${4 * cost} in a turn`,
    ]);
    expect(bench.model.requests).toHaveLength(5);
    expect([2, 3, 4].map((at) => heard(bench, at).includes("used up"))).toEqual([
      false,
      true,
      false,
    ]);
    const more = await set(bench, id, { tokenBudget: 10_000 });
    expect(more).toMatchObject({ status: "budgetLimited", tokensUsed: 4 * cost });
    expect((await set(bench, id, { status: "active", tokenBudget: 10 })).status).toBe(
      "budgetLimited",
    );
    await quiet(bench, id);
    expect(bench.model.requests).toHaveLength(5);
  });

  it("is paused by an interruption, and goes on when somebody who may work comes back", async () => {
    const bench = createThreadBench(goalsOn);
    const { id, outlet } = await saidThread(bench);
    bench.model.script.push(hangs("m1", "busy"));
    await set(bench, id, { objective: "Fix it" });
    await until(() => outlet.trace.includes("item/agentMessage/delta"));
    const { turns } = await bench.manager.read(id, true);
    const turnId = TurnId.parse(turns.at(-1)?.id);
    (await bench.manager.interrupt(id, turnId)).announce();
    await quiet(bench, id);
    expect(told(outlet)).toEqual(["active 0", "paused 0"]);
    expect(outlet.trace.slice(-2)).toEqual(["turn/completed", "thread/goal/updated"]);

    await bench.manager.close();
    const next = bench.restarted();
    await next.resume(id, { includeTurns: false });
    expect(await next.goals.get(id)).toMatchObject({ status: "paused" });
    expect(next.catchUp(id).map(({ method }) => method)).toEqual([
      "thread/tokenUsage/updated",
      "thread/goal/updated",
    ]);
    bench.model.script.push(says("m2", "back"));
    outlet.pushed.length = 0;
    const { announce } = await next.resume(id, { includeTurns: false, wakesGoal: true });
    announce();
    next.goals.advance(id);
    await turnEnded(outlet);
    expect(told(outlet).slice(0, 1)).toEqual(["active 0"]);
  });

  it("of a thread without one is told as cleared to who comes back", async () => {
    const bench = createThreadBench(goalsOn);
    const { id } = await saidThread(bench);
    await bench.manager.resume(id, { includeTurns: false });
    expect(bench.manager.catchUp(id).map(({ method }) => method)).toEqual([
      "thread/tokenUsage/updated",
      "thread/goal/cleared",
    ]);
  });

  it("that a turn paid for before it was told is told as it is then", async () => {
    const bench = createThreadBench(goalsOn);
    const { id, outlet } = await saidThread(bench);
    const asked = deferred<void>();
    bench.model.script.push(async (...request) => {
      await asked.promise;
      return says("m1", "worked")(...request);
    });
    await bench.turn(id, "work");
    const { announce } = await bench.manager.goals.set(id, { objective: "Fix it" }, "local");
    asked.resolve();
    await quiet(bench, id);
    expect(told(outlet)[0]).toBe(`active ${cost} in a turn`);
    announce();
    await quiet(bench, id);
    const kept = await bench.manager.goals.get(id);
    expect(told(outlet).at(-1)).toBe(`active ${kept?.tokensUsed}`);
    expect(kept?.tokensUsed).toBeGreaterThanOrEqual(cost);
  });

  it("does not spin where its turns fail", async () => {
    const bench = createThreadBench(goalsOn);
    const { id } = await saidThread(bench);
    bench.model.script.push(failsWith(new Error("no")), failsWith(new Error("no")));
    await set(bench, id, { objective: "Fix it" });
    await quiet(bench, id);
    expect(bench.model.requests).toHaveLength(2);
    expect(await bench.manager.goals.get(id)).toMatchObject({ status: "active" });
  });

  it("is paused when the person who set it may not send any more", async () => {
    const bench = createThreadBench({ ...goalsOn, maySend: (from) => from !== "gone" });
    const { id, outlet } = await saidThread(bench);
    await set(bench, id, { objective: "Fix it" }, "gone");
    await until(() => told(outlet).length === 2);
    expect(told(outlet)).toEqual(["active 0", "paused 0"]);
    expect(bench.model.requests).toHaveLength(1);
  });

  it("waits for the messages that wait", async () => {
    const bench = createThreadBench(goalsOn);
    const { id, outlet } = await saidThread(bench);
    const gate = deferred<void>();
    bench.model.script.push(
      async (sink) => {
        await gate.promise;
        sayTo(sink, "m1", ["slow"]);
        return paid;
      },
      says("m2", "to the message"),
      says("m3", "to the goal"),
    );
    await bench.turn(id, "slow");
    await set(bench, id, { objective: "Fix it" });
    const input = [{ type: "text" as const, text: "queued", text_elements: [] }];
    const queued = { input, clientId: "c", clientMetadata: null };
    (await bench.manager.queue.add(id, queued)).announce();
    gate.resolve();
    await turnEnded(outlet, 3);
    await quiet(bench, id);
    const said3 = (await bench.manager.read(id, true)).turns.slice(-2);
    expect(said3.map(({ items }) => items.length)).toEqual([2, 1]);
  });

  it("is in the hands of the model too, as far as they reach", async () => {
    const bench = createThreadBench(goalsOn);
    const outputs: unknown[] = [];
    for (const name of ["get", "create", "again", "complete"]) {
      bench.tools.set(name, async (_call, { goals }) => {
        const result =
          name === "get"
            ? await goals?.get()
            : name === "complete"
              ? await goals?.complete()
              : await goals?.create(` ${name} `, 1000);
        outputs.push(result);
        return { output: "" };
      });
    }
    const { id, outlet } = await saidThread(bench);
    bench.model.script.push(
      calls("get"),
      calls("complete"),
      calls("create"),
      calls("again"),
      calls("complete"),
      says("m1", "done"),
    );
    await bench.turn(id, "do");
    await quiet(bench, id);
    expect(outputs).toMatchObject([
      { goal: null, remainingTokens: null },
      { refusal: "this thread has no goal" },
      { goal: { objective: "create", status: "active", tokensUsed: 0 }, remainingTokens: 1000 },
      { refusal: expect.stringContaining("already") },
      { goal: { status: "complete", tokensUsed: 2 * cost }, remainingTokens: 1000 - 2 * cost },
    ]);
    expect(told(outlet).at(-1)).toBe(`complete ${2 * cost} in a turn`);
    expect(bench.model.requests).toHaveLength(7);
  });

  it("counts from nothing when it is another one", async () => {
    const bench = createThreadBench(goalsOn);
    const { id } = await saidThread(bench);
    const first = { objective: "One", status: "paused", tokenBudget: 5 } as const;
    expect(await set(bench, id, first)).toMatchObject({ status: "paused", tokenBudget: 5 });
    expect(await set(bench, id, { status: "blocked" })).toMatchObject({ tokenBudget: 5 });
    expect(await set(bench, id, { tokenBudget: null })).toMatchObject({
      status: "blocked",
      tokenBudget: null,
    });
    const other = { objective: " Two ", status: "paused" } as const;
    expect(await set(bench, id, other)).toMatchObject({ objective: "Two", tokenBudget: null });
    const cleared = await bench.manager.goals.clear(id);
    expect(cleared.cleared).toBe(true);
    expect((await bench.manager.goals.clear(id)).cleared).toBe(false);
    expect(await bench.manager.goals.get(id)).toBeNull();
  });

  it("is refused with a reason", async () => {
    const bench = createThreadBench(goalsOn);
    const { goals } = bench.manager;
    const { id } = await saidThread(bench);
    const unknown = ThreadId.parse("00000000-0000-4000-8000-000000000000");
    const passing = await bench.thread({ ephemeral: true });
    const none = `cannot update goal for thread ${id}: no goal exists`;
    expect(await refusal(goals.set(id, { status: "paused" }, "x"))).toBe(none);
    expect(await refusal(goals.set(id, { objective: " " }, "x"))).toBe(
      "goal objective must not be empty",
    );
    expect(await refusal(goals.set(id, { objective: "x".repeat(4001) }, "x"))).toBe(
      "goal objective must be at most 4000 characters",
    );
    expect(await refusal(goals.set(id, { objective: "x", tokenBudget: 0 }, "x"))).toBe(
      "goal budgets must be positive when provided",
    );
    for (const act of [
      (other: ThreadId) => goals.set(other, { objective: "x" }, "x"),
      (other: ThreadId) => goals.get(other),
      (other: ThreadId) => goals.clear(other),
    ]) {
      expect(await refusal(act(unknown))).toBe(`thread not found: ${unknown}`);
      expect(await refusal(act(passing.id))).toBe(
        `ephemeral thread does not support goals: ${passing.id}`,
      );
    }
    const off = createThreadBench();
    const thread = await off.thread();
    expect(await refusal(off.manager.goals.get(thread.id))).toBe("goals feature is disabled");
  });

  it("is kept of a thread in which nothing was said yet, which is kept from then on", async () => {
    const bench = createThreadBench(goalsOn);
    const { id } = await bench.thread();
    expect(await bench.manager.goals.get(id)).toBeNull();
    expect(await bench.held.store.find(id)).toBeUndefined();
    await set(bench, id, { objective: "Later", status: "paused" });
    expect(await bench.restarted().goals.get(id)).toMatchObject({ objective: "Later" });
  });
});
