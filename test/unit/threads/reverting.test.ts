import { describe, expect, it } from "vitest";
import { StoreError } from "../../../src/store/port.ts";
import { RpcError } from "../../../src/protocol/errors.ts";
import { ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import { uuidV7 } from "../../../src/util/uuid-v7.ts";
import { tick } from "../../helpers/memory-socket.ts";
import {
  createThreadBench,
  hangs,
  said,
  says,
  statuses,
  turnEnded,
  until,
} from "../../helpers/thread-bench.ts";
import type { ThreadBench } from "../../helpers/thread-bench.ts";
import type { StartOptions } from "../../../src/threads/port.ts";

const refusalOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return "not refused";
  } catch (error) {
    return error instanceof RpcError ? error.message : String(error);
  }
};

async function turnsIn(bench: ThreadBench, count: number, options: Partial<StartOptions> = {}) {
  const { id, outlet } = await bench.thread(options);
  const turnIds: TurnId[] = [];
  for (let n = 1; n <= count; n += 1) {
    bench.model.script.push(says(`m${n}`, `answer ${n}`));
    turnIds.push(TurnId.parse(await bench.turn(id, `question ${n}`)));
    await turnEnded(outlet, n);
  }
  outlet.pushed.length = 0;
  return { id, outlet, turnIds };
}

const sentLast = (bench: ThreadBench): readonly string[] =>
  [...JSON.stringify(bench.model.requests.at(-1)?.input).matchAll(/(?:question|answer) \d/g)].map(
    ([text]) => text,
  );

describe("thread/revert", () => {
  it("loads the thread anew before the answer, tells everybody after it, and goes on from there", async () => {
    const bench = createThreadBench();
    const { id, outlet, turnIds } = await turnsIn(bench, 3);
    const second = turnIds[1] ?? TurnId.parse("");
    const { view, announce } = await bench.manager.reverting.revert(id, second);
    await tick();
    expect(outlet.sent).toMatchObject([
      { method: "thread/status/changed", params: { threadId: id, status: { type: "notLoaded" } } },
      { method: "thread/status/changed", params: { threadId: id, status: { type: "idle" } } },
    ]);
    announce();
    await tick();
    expect(outlet.sent.at(-1)).toMatchObject({
      method: "thread/reverted",
      params: { threadId: id },
    });
    expect(view.thread).toMatchObject({
      id,
      preview: "question 1",
      turns: [],
      status: { type: "idle" },
    });
    expect(view.turnsBackwardsCursor).not.toBeNull();
    expect(view.itemsBackwardsCursor).not.toBeNull();
    bench.model.script.push(says("m4", "answer 4"));
    await bench.turn(id, "question 4");
    await turnEnded(outlet);
    expect(sentLast(bench)).toEqual(["question 1", "answer 1", "question 4"]);
    expect((await bench.manager.read(id, true)).turns.map((turn) => turn.id).slice(0, 1)).toEqual(
      turnIds.slice(0, 1),
    );
  });

  it("keeps the settings in force, also where no turn is left, and over a restart", async () => {
    const bench = createThreadBench();
    const { id, turnIds } = await turnsIn(bench, 1);
    const changed = { model: "another-model", effort: "high", cwd: "/srv/elsewhere" };
    (await bench.manager.updateSettings(id, changed)).announce();
    const first = turnIds[0] ?? TurnId.parse("");
    const { view } = await bench.manager.reverting.revert(id, first);
    expect(view).toMatchObject({
      ...changed,
      turnsBackwardsCursor: null,
      itemsBackwardsCursor: null,
    });
    await bench.manager.close();
    const again = await bench.restarted().resume(id, { includeTurns: true });
    expect(again).toMatchObject({ ...changed, thread: { turns: [] } });
  });

  it("interrupts a turn that runs", async () => {
    const bench = createThreadBench();
    const { id, outlet, turnIds } = await turnsIn(bench, 1);
    bench.model.script.push(hangs("m2", "half"));
    const running = await bench.turn(id, "question 2");
    await until(() => said(outlet, "m2") === "half");
    const { announce } = await bench.manager.reverting.revert(id, TurnId.parse(running));
    announce();
    await tick();
    expect(statuses(outlet)).toEqual(["interrupted"]);
    expect(outlet.trace.slice(outlet.trace.indexOf("turn/completed"))).toEqual([
      "turn/completed",
      "thread/status/changed",
      "thread/status/changed",
      "thread/reverted",
    ]);
    expect((await bench.manager.read(id, true)).turns.map((turn) => turn.id)).toEqual(turnIds);
  });

  it("that is refused changes nothing, not even a turn that runs", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await turnsIn(bench, 1);
    const unknown = ThreadId.parse(uuidV7());
    const { reverting } = bench.manager;
    const none = TurnId.parse("none");
    expect(await refusalOf(reverting.revert(unknown, none))).toBe(`thread not found: ${unknown}`);
    bench.model.script.push(hangs("m2", "half"));
    await bench.turn(id, "question 2");
    await until(() => said(outlet, "m2") === "half");
    outlet.pushed.length = 0;
    expect(await refusalOf(reverting.revert(id, none))).toBe("turn not found: none");
    expect(outlet.trace).toEqual([]);
    const ephemeral = await bench.thread({ ephemeral: true });
    expect(await refusalOf(reverting.revert(ephemeral.id, none))).toBe(
      "ephemeral threads do not support thread/revert",
    );
    const legacy = await bench.thread({ historyMode: "legacy" });
    expect(await refusalOf(reverting.revert(legacy.id, none))).toBe(
      "thread/revert only supports paginated threads",
    );
    const unused = await bench.thread();
    expect(await refusalOf(reverting.revert(unused.id, none))).toBe(
      `no rollout found for thread id ${unused.id}`,
    );
    await bench.turn(unused.id, "still here");
    await bench.manager.close();
  });

  it("that the store cannot do leaves the thread in memory as it was", async () => {
    const bench = createThreadBench();
    const { id, turnIds } = await turnsIn(bench, 2);
    bench.held.revertFailure = new StoreError("diskFull", "The disk is full.");
    const first = turnIds[0] ?? TurnId.parse("");
    expect(await refusalOf(bench.manager.reverting.revert(id, first))).toBe("The disk is full.");
    const { turns } = await bench.manager.read(id, true);
    expect(turns.map((turn) => turn.id)).toEqual(turnIds);
    expect(bench.manager.isLoaded(id)).toBe(true);
  });
});

describe("thread/rollback", () => {
  it.each(["paginated", "legacy"] as const)(
    "takes the last turns of a %s thread back and answers the others",
    async (historyMode) => {
      const bench = createThreadBench();
      const { id, outlet, turnIds } = await turnsIn(bench, 3, { historyMode });
      const { thread, announce } = await bench.manager.reverting.rollback(id, 2);
      announce();
      await tick();
      expect(thread.turns.map((turn) => turn.id)).toEqual(turnIds.slice(0, 1));
      expect(outlet.trace).toEqual(["thread/tokenUsage/updated", "thread/reverted"]);
      outlet.pushed.length = 0;
      await bench.turn(id, "question 4");
      await turnEnded(outlet);
      expect(sentLast(bench)).toEqual(["question 1", "answer 1", "question 4"]);
    },
  );

  it("takes all back where there are not so many", async () => {
    const bench = createThreadBench();
    const { id } = await turnsIn(bench, 2);
    expect((await bench.manager.reverting.rollback(id, 100)).thread.turns).toEqual([]);
    expect((await bench.manager.reverting.rollback(id, 1)).thread.turns).toEqual([]);
  });

  it("is refused while a turn runs, and where nothing is kept", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await turnsIn(bench, 1);
    const { reverting } = bench.manager;
    bench.model.script.push(hangs("m2", "half"));
    await bench.turn(id, "question 2");
    await until(() => said(outlet, "m2") === "half");
    expect(await refusalOf(reverting.rollback(id, 1))).toBe(
      "Cannot rollback while a turn is in progress.",
    );
    const ephemeral = await bench.thread({ ephemeral: true });
    expect(await refusalOf(reverting.rollback(ephemeral.id, 1))).toBe(
      "thread rollback requires persisted thread history",
    );
    const unused = await bench.thread();
    expect(await refusalOf(reverting.rollback(unused.id, 1))).toBe(
      `failed to load thread history for rollback replay: no rollout found for thread id ${unused.id}`,
    );
    await bench.manager.close();
  });
});
