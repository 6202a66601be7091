import { describe, expect, it } from "vitest";
import { ItemId, TurnId } from "../../../src/protocol/ids.ts";
import type { RequestId, ThreadId } from "../../../src/protocol/ids.ts";
import type { CommandVerdict } from "../../../src/tools/port.ts";
import { sentIn } from "../../helpers/text-frames.ts";
import { keptGains } from "../../helpers/kept-gains.ts";
import { tick } from "../../helpers/memory-socket.ts";
import type { ThreadBench } from "../../helpers/thread-bench.ts";
import {
  answerer,
  calls,
  createThreadBench,
  statuses,
  turnEnded,
  until,
} from "../../helpers/thread-bench.ts";

/** A thread whose tool `run` asks for `touch x` in the thread's folder; the verdicts are kept. */
async function asking() {
  const bench = createThreadBench();
  const verdicts: (CommandVerdict | "thrown")[] = [];
  bench.tools.set("run", async ({ callId, arguments: args }, context) => {
    const command = ["bash", "-lc", args === "{}" ? "touch x" : args];
    try {
      const verdict = await context.approvals.command({
        itemId: ItemId.parse(callId),
        command,
        commandLine: command.join(" "),
        cwd: context.cwd,
        escalated: false,
        reason: null,
        actions: [],
      });
      verdicts.push(verdict);
      return { output: verdict };
    } catch (error) {
      verdicts.push("thrown");
      throw error;
    }
  });
  bench.tools.set("patch", async ({ callId, arguments: args }, context) => {
    const places = args === "{}" ? ["f"] : args.split(" ");
    const verdict = await context.approvals.fileChange({
      itemId: ItemId.parse(callId),
      changes: [{ path: `${context.cwd}/f`, kind: { type: "add" }, diff: "x" }],
      realPaths: places.map((place) => `${context.cwd}/${place}`),
      reason: null,
    });
    verdicts.push(verdict);
    return { output: verdict };
  });
  const watched = await bench.thread();
  const asked = (count: number): Promise<void> =>
    until(() => watched.outlet.askedIds.length === count, `request no. ${count}`);
  return { bench, verdicts, asked, ...watched };
}

const ran = (bench: ThreadBench, times: number, tool = "run"): void =>
  void bench.model.script.push(
    ...Array.from({ length: times }, (_call, index) => calls([tool, `c${index}`])),
  );
const waitingFlags = async (bench: ThreadBench, id: ThreadId): Promise<unknown> =>
  (await bench.manager.read(id, false)).status;

describe("an approval", () => {
  it.each([
    [{ result: { decision: "accept" } }, "run", "completed"],
    [{ result: { decision: "decline" } }, "declined", "completed"],
    [{ result: { decision: "cancel" } }, "declined", "interrupted"],
    [{ error: { code: -1, message: "no" } }, "failed", "completed"],
    [{ result: { decision: "perhaps" } }, "failed", "completed"],
    [{ result: null }, "failed", "completed"],
  ])("answered with %o is %s, and the turn %s", async (answer, verdict, status) => {
    const { bench, id, outlet, verdicts, asked } = await asking();
    ran(bench, 1);
    await bench.turn(id, "go");
    await asked(1);
    expect(await waitingFlags(bench, id)).toEqual({
      type: "active",
      activeFlags: ["waitingOnApproval"],
    });
    expect(bench.manager.requests.answer(outlet.askedIds[0] ?? -1, answer, answerer)).toEqual({
      kind: "taken",
    });
    await turnEnded(outlet);
    expect([verdicts, statuses(outlet)]).toEqual([[verdict], [status]]);
    expect(outlet.trace.filter((name) => name === "serverRequest/resolved").length).toBe(1);
  });

  it("asks with the whole command, where it runs, and what may be answered", async () => {
    const { bench, id, outlet, asked } = await asking();
    ran(bench, 1);
    const turnId = await bench.turn(id, "go");
    await asked(1);
    const request = outlet.sent.find(({ method }) => method?.endsWith("requestApproval"));
    expect(request).toEqual({
      method: "item/commandExecution/requestApproval",
      id: outlet.askedIds[0],
      params: {
        kind: "command",
        threadId: id,
        turnId,
        itemId: "c0",
        startedAtMs: expect.any(Number),
        environmentId: "local",
        reason: null,
        command: "bash -lc touch x",
        cwd: bench.home,
        commandActions: [],
        proposedExecpolicyAmendment: ["bash", "-lc", "touch x"],
        availableDecisions: [
          "accept",
          { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["bash", "-lc", "touch x"] } },
          "cancel",
        ],
      },
      gains: keptGains,
      seq: expect.any(Number),
    });
    bench.manager.requests.answer(
      outlet.askedIds[0] ?? -1,
      { result: { decision: "accept" } },
      answerer,
    );
    await turnEnded(outlet);
  });

  it("is remembered for the session: the same command is not asked for again, another is", async () => {
    const { bench, id, outlet, verdicts, asked } = await asking();
    ran(bench, 2);
    bench.model.script.push(async (sink) => {
      sink.itemDone({ type: "function_call", call_id: "c9", name: "run", arguments: "touch y" });
      return { responseId: null, usage: null };
    });
    await bench.turn(id, "go");
    await asked(1);
    bench.manager.requests.answer(
      outlet.askedIds[0] ?? -1,
      { result: { decision: "acceptForSession" } },
      answerer,
    );
    await asked(2);
    expect(verdicts).toEqual(["run", "run"]);
    bench.manager.requests.answer(
      outlet.askedIds[1] ?? -1,
      { result: { decision: "decline" } },
      answerer,
    );
    await turnEnded(outlet);
    expect(verdicts).toEqual(["run", "run", "declined"]);
  });

  it("of a patch is remembered for its files only", async () => {
    const { bench, id, outlet, verdicts, asked } = await asking();
    ran(bench, 2, "patch");
    await bench.turn(id, "go");
    await asked(1);
    bench.manager.requests.answer(
      outlet.askedIds[0] ?? -1,
      { result: { decision: "acceptForSession" } },
      answerer,
    );
    await turnEnded(outlet);
    expect([verdicts, outlet.askedIds.length]).toEqual([["run", "run"], 1]);
  });

  it("of a patch counts for where its files really lie, each of them", async () => {
    const { bench, id, outlet, verdicts, asked } = await asking();
    for (const [index, places] of ["a b", "b a", "b", "elsewhere", "a moved"].entries()) {
      bench.model.script.push(async (sink) => {
        const call = { type: "function_call", call_id: `c${index}`, name: "patch" };
        sink.itemDone({ ...call, arguments: places });
        return { responseId: null, usage: null };
      });
    }
    const answer = (index: number, decision: string): unknown =>
      bench.manager.requests.answer(
        outlet.askedIds[index] ?? -1,
        { result: { decision } },
        answerer,
      );
    await bench.turn(id, "go");
    await asked(1);
    answer(0, "acceptForSession");
    await asked(2);
    answer(1, "decline");
    await asked(3);
    answer(2, "decline");
    await turnEnded(outlet);
    expect(verdicts).toEqual(["run", "run", "run", "declined", "declined"]);
  });

  it("takes the first of two answers that come at once", async () => {
    const { bench, id, outlet, verdicts, asked } = await asking();
    ran(bench, 1);
    await bench.turn(id, "go");
    await asked(1);
    const [requestId = -1] = outlet.askedIds;
    expect([
      bench.manager.requests.answer(requestId, { result: { decision: "decline" } }, answerer),
      bench.manager.requests.answer(requestId, { result: { decision: "accept" } }, answerer),
    ]).toEqual([{ kind: "taken" }, { kind: "unknown" }]);
    await turnEnded(outlet);
    expect(verdicts).toEqual(["declined"]);
    expect(outlet.resolvedIds).toEqual([requestId]);
  });

  it("is withdrawn by an interruption; an answer that comes then has no effect", async () => {
    const { bench, id, outlet, verdicts, asked } = await asking();
    ran(bench, 1);
    const turnId = TurnId.parse(await bench.turn(id, "go"));
    await asked(1);
    const ended = bench.manager.interrupt(id, turnId);
    const requestId: RequestId = outlet.askedIds[0] ?? -1;
    expect(
      bench.manager.requests.answer(requestId, { result: { decision: "accept" } }, answerer),
    ).toEqual({
      kind: "unknown",
    });
    (await ended).announce();
    await tick();
    expect([verdicts, statuses(outlet), outlet.resolvedIds]).toEqual([
      ["thrown"],
      ["interrupted"],
      [requestId],
    ]);
    expect(await waitingFlags(bench, id)).toEqual({ type: "idle" });
  });

  it("is shown to one who comes while it waits, after the usage so far, and no longer than it waits", async () => {
    const { bench, id, outlet, asked } = await asking();
    await bench.turn(id, "first");
    await turnEnded(outlet);
    ran(bench, 1);
    await bench.turn(id, "go");
    await asked(1);
    const owed = (): readonly unknown[] =>
      bench.manager
        .catchUp(id)
        .map(({ method, ask, frame }) => [method, ask, sentIn(frame)[0]?.id]);
    const [requestId = -1] = outlet.askedIds;
    expect(owed()).toEqual([
      ["thread/tokenUsage/updated", undefined, undefined],
      [
        "item/commandExecution/requestApproval",
        { requestId, role: "approver", changed: false },
        requestId,
      ],
    ]);
    bench.manager.requests.answer(requestId, { result: { decision: "accept" } }, answerer);
    expect(owed().length).toBe(1);
    await turnEnded(outlet, 2);
  });
});
