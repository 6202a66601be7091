import { describe, expect, it } from "vitest";
import { escapeText } from "../../../src/events/text-stream.ts";
import { ThreadId } from "../../../src/protocol/ids.ts";
import type { ThreadItem } from "../../../src/protocol/item.ts";
import type { Turn } from "../../../src/protocol/turn.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { RecordingOutlet, watchFromNow } from "../../helpers/recording-outlet.ts";
import { tick } from "../../helpers/memory-socket.ts";
import {
  createThreadBench,
  hangs,
  said,
  says,
  turnEnded,
  until,
  usage,
} from "../../helpers/thread-bench.ts";

const itemsOf = (turns: readonly Turn[]): readonly ThreadItem[] =>
  turns.flatMap(({ items }) => items);

describe("resuming", () => {
  it("in the middle of an item gives its text so far, and the rest comes as deltas", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const gate = deferred<void>();
    bench.model.script.push(async (sink) => {
      sink.itemAdded({ type: "message", id: "m1", role: "assistant", content: [] });
      for (const piece of ["one “1” ", "two\n"]) sink.textDelta("m1", escapeText(piece));
      await gate.promise;
      sink.textDelta("m1", escapeText("three"));
      const content = [{ type: "output_text", text: "one “1” two\nthree" }];
      sink.itemDone({ type: "message", id: "m1", role: "assistant", content });
      return { responseId: null, usage };
    });
    await bench.turn(id, "go");
    await until(() => said(outlet, "m1") !== "");
    const view = await bench.manager.resume(id, { includeTurns: true });
    const late = new RecordingOutlet();
    watchFromNow(bench.hub, id, late);
    expect(view.thread.status).toEqual({ type: "active", activeFlags: [] });
    expect(view.thread.turns[0]?.status).toBe("inProgress");
    const partial = itemsOf(view.thread.turns).at(-1);
    expect(partial).toMatchObject({ id: "m1", text: "one “1” two\n", completedAtMs: null });
    gate.resolve();
    await turnEnded(outlet);
    await tick();
    expect(said(late, "m1")).toBe("three");
  });

  it("brings a thread back from the store as it was", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(says("m1", "hello"));
    await bench.turn(id, "hi");
    await turnEnded(outlet);
    const before = await bench.manager.read(id, true);
    await bench.manager.close();
    const next = bench.restarted();
    const [first, second] = await Promise.all([
      next.resume(id, { includeTurns: true }),
      next.resume(id, { includeTurns: false }),
    ]);
    expect(itemsOf(first.thread.turns)).toEqual(itemsOf(before.turns));
    expect(second.thread.turns).toEqual([]);
    expect(first.thread).toMatchObject({ preview: "hi", status: { type: "idle" } });
    expect(next.catchUp(id).map(({ method }) => method)).toEqual(["thread/tokenUsage/updated"]);
  });

  it("after a crash reads the turn that ran as interrupted", async () => {
    const bench = createThreadBench();
    const { id } = await bench.thread();
    bench.model.script.push(hangs("m1", "half"));
    await bench.turn(id, "hi");
    await until(() => bench.model.requests.length === 1);
    const thread = await bench.restarted().read(id, true);
    expect(thread.turns.map(({ status, items }) => [status, items.length])).toEqual([
      ["interrupted", 1],
    ]);
    await bench.manager.close();
  });

  it("is refused for a thread that nobody wrote to, and for one that there is not", async () => {
    const bench = createThreadBench();
    const { id } = await bench.thread();
    await expect(bench.manager.resume(id, { includeTurns: true })).rejects.toThrow(
      `no rollout found for thread id ${id}`,
    );
    const none = ThreadId.parse("00000000-0000-7000-8000-000000000000");
    await expect(bench.manager.resume(none, { includeTurns: true })).rejects.toMatchObject({
      code: -32600,
      message: `no rollout found for thread id ${none}`,
    });
  });
});

describe("closing", () => {
  it("ends every turn as interrupted and gives all threads up", async () => {
    const bench = createThreadBench();
    const watched = [await bench.thread(), await bench.thread()];
    for (const { id } of watched) {
      bench.model.script.push(hangs("m1"));
      await bench.turn(id, "go");
    }
    await bench.manager.close();
    expect(bench.manager.loaded()).toEqual([]);
    for (const { id } of watched) {
      const thread = await bench.restarted().read(id, true);
      expect(thread.turns[0]?.status).toBe("interrupted");
    }
  });
});
