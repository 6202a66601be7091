import { describe, expect, it } from "vitest";
import { ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import type { RecordingOutlet } from "../../helpers/recording-outlet.ts";
import {
  createThreadBench,
  failsWith,
  hangs,
  says,
  turnEnded,
  until,
  wireErrorOf,
} from "../../helpers/thread-bench.ts";
import type { ThreadBench } from "../../helpers/thread-bench.ts";

const told = (outlet: RecordingOutlet): readonly unknown[] =>
  outlet.sent.flatMap(({ method, params }) =>
    method === "thread/readState/changed" ? [params?.["readState"]] : [],
  );

async function said(bench: ThreadBench, text: string) {
  const { id, outlet } = await bench.thread();
  bench.model.script.push(says("m1", text));
  const turnId = TurnId.parse(await bench.turn(id, "hi"));
  await turnEnded(outlet);
  return { id, outlet, turnId };
}

describe("what nobody read", () => {
  it("begins with the first turn in which the agent said something, and is told before the turn's end", async () => {
    const bench = createThreadBench();
    const { id, outlet, turnId } = await said(bench, "A");
    const [first] = told(outlet);
    expect(first).toEqual({
      firstUnread: { type: "turn", turnId },
      revision: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(outlet.trace.slice(-4)).toEqual([
      "thread/tokenUsage/updated",
      "thread/readState/changed",
      "thread/status/changed",
      "turn/completed",
    ]);
    bench.model.script.push(says("m2", "B"));
    await bench.turn(id, "more");
    await turnEnded(outlet, 2);
    const [, second] = told(outlet);
    expect(second).toMatchObject({ firstUnread: { type: "turn", turnId } });
    expect(second).not.toEqual(first);
    expect(await bench.manager.readStates.of(id)).toEqual(second);
    expect(await bench.restarted().readStates.ofAll([id])).toEqual({ [id]: second });
  });

  it("is a failed turn too, but none that was interrupted or said nothing", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await said(bench, "");
    bench.model.script.push(hangs("m1", "working"));
    const turnId = TurnId.parse(await bench.turn(id, "hi"));
    await until(() => outlet.trace.includes("item/agentMessage/delta"));
    (await bench.manager.interrupt(id, turnId)).announce();
    expect(told(outlet)).toEqual([]);
    expect(await bench.manager.readStates.of(id)).toEqual({
      firstUnread: null,
      revision: `initial:${id}`,
    });
    bench.model.script.push(failsWith(new Error("no")));
    const failed = await bench.turn(id, "hi");
    await turnEnded(outlet, 3);
    expect(told(outlet)).toMatchObject([{ firstUnread: { type: "turn", turnId: failed } }]);
    expect(outlet.trace.slice(-4)).toEqual([
      "thread/status/changed",
      "error",
      "thread/readState/changed",
      "turn/completed",
    ]);
  });

  it("is marked by whoever saw it last, and by nobody else", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await said(bench, "A");
    const { readStates } = bench.manager;
    const before = await readStates.of(id);
    const read = await readStates.mark(id, "read", before?.revision ?? "");
    expect(read).toEqual({ firstUnread: null, revision: read.revision });
    expect(await wireErrorOf(readStates.mark(id, "unread", before?.revision ?? ""))).toEqual({
      code: -32600,
      message: "read state changed",
      data: { reason: "readStateConflict", readState: read },
    });
    const again = await readStates.mark(id, "unread", read.revision);
    expect(again.firstUnread).toEqual({ type: "threadStart" });
    outlet.flush();
    await until(() => told(outlet).length === 3);
    expect(told(outlet)).toEqual([before, read, again]);
    bench.model.script.push(says("m2", "B"));
    await bench.turn(id, "more");
    await turnEnded(outlet, 2);
    expect(told(outlet).at(-1)).toMatchObject({ firstUnread: { type: "threadStart" } });
  });

  it("of two marks at once, one counts", async () => {
    const bench = createThreadBench();
    const { id } = await said(bench, "A");
    const { readStates } = bench.manager;
    const { revision = "" } = (await readStates.of(id)) ?? {};
    const marks = ["read", "unread", "read"] as const;
    const done = await Promise.allSettled(marks.map((as) => readStates.mark(id, as, revision)));
    expect(done.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("is refused of a thread that is kept nowhere", async () => {
    const bench = createThreadBench();
    const { readStates } = bench.manager;
    const fresh = await bench.thread();
    const passing = await bench.thread({ ephemeral: true });
    bench.model.script.push(says("m1", "A"));
    await bench.turn(passing.id, "hi");
    await turnEnded(passing.outlet);
    expect(told(passing.outlet)).toEqual([]);
    for (const { id } of [fresh, passing]) {
      expect(await readStates.of(id)).toBeNull();
      expect(await wireErrorOf(readStates.mark(id, "read", `initial:${id}`))).toEqual({
        code: -32600,
        message: "thread read state unavailable",
      });
    }
    const unknown = ThreadId.parse("00000000-0000-4000-8000-000000000000");
    expect(await wireErrorOf(readStates.mark(unknown, "read", "x"))).toEqual({
      code: -32600,
      message: `thread not loaded: ${unknown}`,
    });
  });
});
