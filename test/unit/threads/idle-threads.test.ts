import { describe, expect, it } from "vitest";
import { TurnId } from "../../../src/protocol/ids.ts";
import { tick } from "../../helpers/memory-socket.ts";
import { RecordingOutlet } from "../../helpers/recording-outlet.ts";
import {
  createThreadBench,
  hangs,
  said,
  says,
  turnEnded,
  until,
} from "../../helpers/thread-bench.ts";

const minute = 60_000;

/** A bench whose clock moves only when it is told to; every step looks for idle threads once. */
function idleBench() {
  let nowMs = 0;
  const bench = createThreadBench({ nowMs: () => nowMs });
  const everybody = new RecordingOutlet();
  bench.hub.join(everybody);
  const pass = async (minutes: number): Promise<void> => {
    await bench.manager.unloadIdle();
    nowMs += minutes * minute;
    await bench.manager.unloadIdle();
    await tick();
  };
  return { ...bench, everybody, pass };
}

async function usedThread(
  bench: ReturnType<typeof idleBench>,
  config: Record<string, unknown> = {},
) {
  const { id, outlet } = await bench.thread({ config });
  bench.model.script.push(says("m1", "hello"));
  await bench.turn(id, "hi");
  await turnEnded(outlet);
  return { id, outlet };
}

describe("a thread that nobody watches", () => {
  it("is unloaded after 30 minutes, everybody is told, and nothing of it is lost", async () => {
    const bench = idleBench();
    const { id, outlet } = await usedThread(bench);
    const before = await bench.manager.read(id, true);
    const { epoch } = bench.hub.position(id);
    bench.hub.unsubscribe(id, outlet);
    await bench.pass(29.9);
    expect(bench.manager.loaded()).toEqual([id]);
    await bench.pass(0.1);
    expect(bench.manager.loaded()).toEqual([]);
    expect(bench.everybody.trace.slice(-2)).toEqual(["thread/status/changed", "thread/closed"]);
    expect(bench.hub.position(id).epoch).not.toBe(epoch);
    const { turns } = await bench.manager.read(id, true);
    expect(turns).toEqual(before.turns);
    const again = await bench.manager.resume(id, { includeTurns: true });
    expect(again.thread).toMatchObject({ preview: "hi", status: { type: "idle" } });
    bench.model.script.push(says("m2", "again"));
    await bench.turn(id, "more");
    await until(() => bench.model.requests.length === 2);
    await bench.manager.close();
  });

  it("may have a delay of its own", async () => {
    const bench = idleBench();
    const { id, outlet } = await usedThread(bench, { thread_unload_delay_secs: 120 });
    bench.hub.unsubscribe(id, outlet);
    await bench.pass(1.9);
    expect(bench.manager.loaded()).toEqual([id]);
    await bench.pass(0.1);
    expect(bench.manager.loaded()).toEqual([]);
  });

  it("that is wanted while it goes is given back when it is gone", async () => {
    const bench = idleBench();
    const { id, outlet } = await usedThread(bench);
    bench.hub.unsubscribe(id, outlet);
    await bench.pass(0);
    const [, view] = await Promise.all([
      bench.pass(30),
      bench.manager.resume(id, { includeTurns: true }),
    ]);
    expect(view.thread.turns).toHaveLength(1);
    await bench.pass(0);
    expect(bench.manager.loaded()).toEqual([id]);
    await bench.manager.close();
  });
});

describe("a thread stays", () => {
  it("while somebody watches it", async () => {
    const bench = idleBench();
    const { id, outlet } = await usedThread(bench);
    await bench.pass(120);
    expect(bench.manager.loaded()).toEqual([id]);
    bench.hub.unsubscribe(id, outlet);
    await bench.pass(29);
    expect(bench.manager.loaded()).toEqual([id]);
  });

  it("while a turn runs, and from its end for as long again", async () => {
    const bench = idleBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(hangs("m1", "half"));
    const turnId = TurnId.parse(await bench.turn(id, "hi"));
    await until(() => said(outlet, "m1") === "half");
    bench.hub.unsubscribe(id, outlet);
    await bench.pass(120);
    expect(bench.manager.loaded()).toEqual([id]);
    const { announce } = await bench.manager.interrupt(id, turnId);
    announce();
    await bench.pass(29);
    expect(bench.manager.loaded()).toEqual([id]);
    await bench.pass(1);
    expect(bench.manager.loaded()).toEqual([]);
  });

  it("while a process of it runs in the background", async () => {
    const bench = idleBench();
    const { id, outlet } = await usedThread(bench);
    bench.hub.unsubscribe(id, outlet);
    bench.processes.add(id);
    await bench.pass(120);
    expect(bench.manager.loaded()).toEqual([id]);
    bench.processes.delete(id);
    await bench.pass(30);
    expect(bench.manager.loaded()).toEqual([]);
  });
});
