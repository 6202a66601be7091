import { describe, expect, it } from "vitest";
import { TurnId } from "../../../src/protocol/ids.ts";
import { ModelError } from "../../../src/model/port.ts";
import {
  answerer,
  calls,
  createThreadBench,
  failsWith,
  hangs,
  says,
  statuses,
  textInput,
  turnEnded,
  until,
} from "../../helpers/thread-bench.ts";
import type { ThreadBench } from "../../helpers/thread-bench.ts";

const sentTo = (bench: ThreadBench, request: number): string =>
  JSON.stringify(bench.model.requests[request]?.input);

const shell = async (
  bench: ThreadBench,
  id: Parameters<ThreadBench["turn"]>[0],
  script: string,
): Promise<void> => {
  const { announce } = await bench.manager.runShellCommand(id, { script, timeoutMs: 20_000 });
  announce();
};

describe("a person's own command", () => {
  it("is a turn of its own that asks no model, which reads of it later", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    await shell(bench, id, "echo by hand");
    await turnEnded(outlet);
    // What it prints is told by itself only where it comes before the end.
    const trace = outlet.trace.filter((name) => name !== "item/commandExecution/outputDelta");
    expect(trace).toEqual([
      "thread/status/changed",
      "turn/started",
      "item/started",
      "item/completed",
      "thread/status/changed",
      "turn/completed",
    ]);
    expect(bench.model.requests).toEqual([]);
    await bench.turn(id, "go on");
    await turnEnded(outlet, 2);
    expect(sentTo(bench, 0)).toContain("echo by hand");
    const [turn] = (await bench.manager.read(id, true)).turns;
    expect(turn?.items).toMatchObject([
      { type: "commandExecution", source: "userShell", aggregatedOutput: "by hand\n" },
    ]);
  });

  it("joins a turn that runs, which does not wait for it", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(hangs("m1", "working"));
    const turnId = await bench.turn(id, "hi");
    await until(() => outlet.trace.includes("item/agentMessage/delta"));
    await shell(bench, id, "echo side");
    await until(() =>
      outlet.sent.some(({ params }) => JSON.stringify(params ?? {}).includes('"userShell"')),
    );
    await until(() =>
      outlet.sent.some(
        ({ method, params }) =>
          method === "item/completed" &&
          params?.["turnId"] === turnId &&
          JSON.stringify(params["item"]).includes("side"),
      ),
    );
    expect(outlet.trace.filter((name) => name === "turn/started")).toHaveLength(1);
    const { announce } = await bench.manager.interrupt(id, TurnId.parse(turnId));
    announce();
  });

  it("that is interrupted ends with its turn", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    await shell(bench, id, "echo begun; sleep 60");
    await until(() => outlet.trace.includes("item/commandExecution/outputDelta"));
    const started = outlet.sent.find(({ method }) => method === "turn/started");
    const turnId = TurnId.parse(Object(started?.params?.["turn"])["id"]);
    const { announce } = await bench.manager.interrupt(id, turnId);
    announce();
    await turnEnded(outlet);
    expect(statuses(outlet)).toEqual(["interrupted"]);
    const [turn] = (await bench.manager.read(id, true)).turns;
    expect(turn?.items).toMatchObject([{ status: "failed", exitCode: -1 }]);
  });

  it("is followed by an answer to what people wrote meanwhile", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(says("m1", "answered"));
    await shell(bench, id, "echo first; sleep 2");
    await until(() => outlet.trace.includes("item/commandExecution/outputDelta"));
    const { announce } = await bench.manager.startTurn(id, {
      input: textInput("and this?"),
      clientId: null,
      outputSchema: null,
    });
    announce();
    await turnEnded(outlet);
    expect(statuses(outlet)).toEqual(["completed"]);
    expect(sentTo(bench, 0)).toMatch(/and this\?.*echo first/);
  });
});

const compact = async (
  bench: ThreadBench,
  id: Parameters<ThreadBench["turn"]>[0],
): Promise<void> => {
  const { announce } = await bench.manager.compact(id);
  announce();
};

describe("a compaction", () => {
  it("leaves the model with people's words and a summary, and people with their turns", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(says("m1", "long answer"), says("m2", "THE SUMMARY"), says("m3", "ok"));
    await bench.turn(id, "my wish");
    await turnEnded(outlet);
    outlet.pushed.length = 0;
    await compact(bench, id);
    await turnEnded(outlet);
    expect(outlet.trace).toEqual([
      "thread/status/changed",
      "turn/started",
      "item/started",
      "thread/tokenUsage/updated",
      "thread/tokenUsage/updated",
      "item/completed",
      "thread/status/changed",
      "turn/completed",
    ]);
    expect(bench.model.requests[1]?.tools).toEqual([]);
    await bench.turn(id, "next");
    await turnEnded(outlet, 2);
    expect(sentTo(bench, 2)).toMatch(/environment_context.*my wish.*THE SUMMARY.*next/);
    expect(sentTo(bench, 2)).not.toContain("long answer");
    await bench.manager.close();
    const after = bench.restarted();
    await after.resume(id, { includeTurns: false });
    const { turns } = await after.read(id, true);
    expect(turns.map(({ items }) => items.map(({ type }) => type))).toEqual([
      ["userMessage", "agentMessage"],
      ["contextCompaction"],
      ["userMessage", "agentMessage"],
    ]);
  });

  it("that fails leaves the conversation as it was", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(
      says("m1", "long answer"),
      failsWith(new ModelError("final", "no", "internalServerError")),
      says("m3", "ok"),
    );
    await bench.turn(id, "my wish");
    await turnEnded(outlet);
    await compact(bench, id);
    await turnEnded(outlet, 2);
    expect(statuses(outlet)).toEqual(["completed", "failed"]);
    await bench.turn(id, "next");
    await turnEnded(outlet, 3);
    expect(sentTo(bench, 2)).toContain("long answer");
    const { turns } = await bench.manager.read(id, true);
    expect(turns.map(({ items }) => items.length)).toEqual([2, 0, 2]);
  });

  it("leaves the older half out where all of it is too long for the model", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(
      says("m1", "OLD"),
      failsWith(new ModelError("final", "too long", "contextWindowExceeded")),
      says("m2", "SUMMARY"),
    );
    await bench.turn(id, "wish");
    await turnEnded(outlet);
    await compact(bench, id);
    await turnEnded(outlet, 2);
    expect(statuses(outlet)).toEqual(["completed", "completed"]);
    const [whole, half] = [bench.model.requests[1]?.input, bench.model.requests[2]?.input];
    expect(half?.length).toBeLessThan(whole?.length ?? 0);
  });

  it("interrupts the turn that runs, and nobody's words join it", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(hangs("m1", "working"), hangs("m2"), says("m3", "never"));
    await bench.turn(id, "hi");
    await until(() => outlet.trace.includes("item/agentMessage/delta"));
    await compact(bench, id);
    expect(statuses(outlet)).toEqual([]);
    await until(() => bench.model.requests.length === 2 && outlet.trace.includes("turn/completed"));
    expect(statuses(outlet)).toEqual(["interrupted"]);
    const compactTurn = TurnId.parse(
      Object(outlet.sent.findLast(({ method }) => method === "turn/started")?.params?.["turn"])[
        "id"
      ],
    );
    const words = { input: textInput("x"), clientId: null, outputSchema: null };
    await expect(bench.manager.startTurn(id, words)).rejects.toMatchObject({
      code: -32603,
      message: "failed to submit turn input: ActiveTurnNotSteerable { turn_kind: Compact }",
    });
    await expect(bench.manager.steer(id, compactTurn, textInput("x"), null)).rejects.toMatchObject({
      code: -32600,
      data: { codexErrorInfo: { activeTurnNotSteerable: { turnKind: "compact" } } },
    });
    const { announce } = await bench.manager.interrupt(id, compactTurn);
    announce();
    await turnEnded(outlet, 2);
    expect(statuses(outlet)).toEqual(["interrupted", "interrupted"]);
  });
});

describe("settings", () => {
  it("change for turns to come and are told once, when they changed", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    bench.model.script.push(hangs("m1", "working"));
    const turnId = await bench.turn(id, "hi");
    await until(() => outlet.trace.includes("item/agentMessage/delta"));
    const update = await bench.manager.updateSettings(id, { model: "other", effort: "high" });
    update.announce();
    const same = await bench.manager.updateSettings(id, { model: "other" });
    same.announce();
    const { announce } = await bench.manager.steer(id, TurnId.parse(turnId), textInput("x"), null);
    announce();
    await turnEnded(outlet);
    expect(bench.model.requests.map(({ model }) => model)).toEqual(["mock-model", "mock-model"]);
    await bench.turn(id, "again");
    await turnEnded(outlet, 2);
    expect(bench.model.requests[2]).toMatchObject({ model: "other", effort: "high" });
    const told = outlet.sent.filter(({ method }) => method === "thread/settings/updated");
    expect(told).toMatchObject([
      { params: { threadId: id, threadSettings: { model: "other", effort: "high" } } },
    ]);
    await bench.manager.close();
    const after = bench.restarted();
    expect(await after.resume(id, { includeTurns: false })).toMatchObject({ model: "other" });
  });

  it("that come with a turn are told before the turn is answered", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const { announce } = await bench.manager.startTurn(id, {
      input: textInput("hi"),
      clientId: null,
      outputSchema: null,
      model: "third",
    });
    bench.hub.deliver();
    expect(outlet.trace).toEqual(["thread/settings/updated"]);
    announce();
    await turnEnded(outlet);
  });
});

describe("items that a client puts in", () => {
  it("reach the model, and survive a restart", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    const item = {
      type: "message",
      role: "assistant",
      content: [{ type: "output_text", text: "I" }],
    };
    await bench.manager.injectItems(id, [item]);
    await bench.turn(id, "hi");
    await turnEnded(outlet);
    expect(bench.model.requests[0]?.input).toContainEqual(item);
    await bench.manager.close();
    const after = bench.restarted();
    await after.resume(id, { includeTurns: false });
    const { announce } = await after.startTurn(id, {
      input: textInput("again"),
      clientId: null,
      outputSchema: null,
    });
    announce();
    await turnEnded(outlet, 2);
    expect(bench.model.requests[1]?.input).toContainEqual(item);
  });
});

describe("a tool that a client offers", () => {
  it("is called at the client, who is asked again when it comes back", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await bench.thread();
    let answered: unknown;
    bench.tools.set("look", async (call, context) => {
      answered = await context.askClient(call, { id: "A" });
      return { output: "seen" };
    });
    bench.model.script.push(calls(["look", "c1"]), says("m1", "ok"));
    const turnId = await bench.turn(id, "hi");
    await until(() => outlet.trace.includes("item/tool/call"));
    const request = outlet.sent.find(({ method }) => method === "item/tool/call");
    expect(request?.params).toEqual({
      threadId: id,
      turnId,
      callId: "c1",
      namespace: null,
      tool: "look",
      arguments: { id: "A" },
    });
    expect(bench.manager.catchUp(id).map(({ method }) => method)).toContain("item/tool/call");
    const result = { contentItems: [{ type: "inputText", text: "found" }], success: true };
    expect(bench.manager.requests.answer(request?.id ?? "", { result }, answerer)).toEqual({
      kind: "taken",
    });
    await turnEnded(outlet);
    expect(answered).toEqual(result);
    expect(outlet.trace).not.toContain("serverRequest/resolved");
    expect(outlet.resolvedIds).toEqual([request?.id]);
  });
});
