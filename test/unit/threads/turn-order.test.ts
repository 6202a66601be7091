/** What comes while a turn begins or ends: the order in which it is stored and told. */
import { describe, expect, it } from "vitest";
import type { ThreadId } from "../../../src/protocol/ids.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { tick } from "../../helpers/memory-socket.ts";
import {
  createThreadBench,
  hangs,
  says,
  statuses,
  textInput,
  turnEnded,
  until,
} from "../../helpers/thread-bench.ts";

const turnIn = (bench: ReturnType<typeof createThreadBench>, id: ThreadId, text: string) =>
  bench.manager.startTurn(id, { input: textInput(text), clientId: null, outputSchema: null });

describe("a turn that is asked for while the last one's end is being stored", () => {
  it("begins behind it, is the only one, and is what is steered and interrupted", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const gate = deferred<void>();
    bench.model.script.push(async (sink, signal, request) => {
      const outcome = await says("m1", "one")(sink, signal, request);
      await until(() => bench.held.appended.some(({ kind }) => kind === "itemCompleted"));
      return outcome;
    });
    await bench.turn(id, "first");
    await until(() => outlet.trace.includes("thread/tokenUsage/updated"));
    bench.held.gate = gate.promise;
    await tick();
    const asked = turnIn(bench, id, "second");
    bench.model.script.push(hangs("m2", "half"));
    await tick();
    gate.resolve();
    bench.held.gate = undefined;
    const { turn, announce } = await asked;
    announce();
    await until(() => bench.model.requests.length === 2);
    expect(outlet.trace.filter((name) => name.startsWith("turn/"))).toEqual([
      "turn/started",
      "turn/completed",
      "turn/started",
    ]);
    const joined = await turnIn(bench, id, "third");
    expect(joined.turn.id).toBe(turn.id);
    joined.announce();
    (await bench.manager.interrupt(id, turn.id)).announce();
    await turnEnded(outlet, 2);
    expect(statuses(outlet)).toEqual(["completed", "interrupted"]);
    expect(bench.held.appended.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["turnStarted", "turnEnded"]),
    );
    const order = bench.held.appended
      .map(({ kind }) => kind)
      .filter((kind) => kind === "turnStarted" || kind === "turnEnded");
    expect(order).toEqual(["turnStarted", "turnEnded", "turnStarted", "turnEnded"]);
  });
});

describe("what comes to a turn before it was announced", () => {
  it("is announced behind it, and who comes then is shown neither", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    await bench.turn(id, "first");
    await turnEnded(outlet);
    bench.model.script.push(hangs("m2"), hangs("m3"), hangs("m4"));
    const { turn, announce } = await turnIn(bench, id, "second");
    const joining = turnIn(bench, id, "third");
    const steering = bench.manager.steer(id, turn.id, textInput("fourth"), null);
    await tick();
    const early = await bench.manager.resume(id, { includeTurns: true });
    expect(early.thread.turns.length).toBe(1);
    outlet.pushed.length = 0;
    announce();
    const joined = await joining;
    const before = await bench.manager.resume(id, { includeTurns: true });
    expect(before.thread.turns.at(-1)?.items.length).toBe(1);
    joined.announce();
    (await steering).announce();
    await tick();
    expect(joined.turn.id).toBe(turn.id);
    const told = outlet.trace.filter((name) => name.startsWith("turn/") || name === "item/started");
    expect(told.slice(0, 4)).toEqual([
      "turn/started",
      "item/started",
      "item/started",
      "item/started",
    ]);
    const after = await bench.manager.resume(id, { includeTurns: true });
    expect(
      after.thread.turns
        .at(-1)
        ?.items.slice(0, 3)
        .map(({ type }) => type),
    ).toEqual(["userMessage", "userMessage", "userMessage"]);
    (await bench.manager.interrupt(id, turn.id)).announce();
    await turnEnded(outlet);
  });
});

describe("what the agent has said when a person's words are stored and not announced yet", () => {
  it("is announced behind them, as it is stored", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const storedItems = () =>
      bench.held.appended.flatMap((event) =>
        event.kind === "itemCompleted" ? [event.item.type] : [],
      );
    bench.model.script.push(async (...request) => {
      await until(() => storedItems().length === 2);
      return says("m1", "one")(...request);
    });
    const { turn, announce: begin } = await turnIn(bench, id, "first");
    begin();
    const { announce } = await bench.manager.steer(id, turn.id, textInput("second"), null);
    await until(() => storedItems().length === 3);
    await tick();
    announce();
    await turnEnded(outlet);
    const told = outlet.sent.flatMap(({ method, params }) =>
      method === "item/completed" ? [Object(params?.["item"])["type"]] : [],
    );
    const { thread } = await bench.manager.resume(id, { includeTurns: true });
    const kept = thread.turns.at(-1)?.items.map(({ type }) => type);
    expect(storedItems()).toEqual(kept);
    expect(told).toEqual(kept);
    expect(kept?.slice(0, 3)).toEqual(["userMessage", "userMessage", "agentMessage"]);
  });
});

describe("a thread in which nothing was said yet", () => {
  it("is not there for others, and is for who was there before", async () => {
    const bench = createThreadBench();
    const { id } = await bench.thread();
    const refused = bench.manager.resume(id, { includeTurns: true });
    await expect(refused).rejects.toThrow(`no rollout found for thread id ${id}`);
    const { thread } = await bench.manager.resume(id, { includeTurns: true, comesBack: true });
    expect(thread).toMatchObject({ id, turns: [] });
  });
});
