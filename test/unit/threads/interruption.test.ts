import { describe, expect, it } from "vitest";
import { ModelError } from "../../../src/model/port.ts";
import { TurnId } from "../../../src/protocol/ids.ts";
import { tick } from "../../helpers/memory-socket.ts";
import {
  calls,
  createThreadBench,
  ending,
  failsWith,
  hangs,
  statuses,
  textInput,
  turnEnded,
  until,
  untilAborted,
} from "../../helpers/thread-bench.ts";

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
      input: textInput("go"),
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

  it("does not wait for ever for a tool that does not stop", async () => {
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
