import { describe, expect, it } from "vitest";
import { RpcError } from "../../../src/protocol/errors.ts";
import type { ThreadId } from "../../../src/protocol/ids.ts";
import { TurnId } from "../../../src/protocol/ids.ts";
import type { Turn } from "../../../src/protocol/turn.ts";
import type { ForkOptions } from "../../../src/threads/port.ts";
import { tick } from "../../helpers/memory-socket.ts";
import { watchFromNow } from "../../helpers/recording-outlet.ts";
import type { ThreadBench } from "../../helpers/thread-bench.ts";
import {
  createThreadBench,
  hangs,
  said,
  says,
  turnEnded,
  until,
} from "../../helpers/thread-bench.ts";

const whole: ForkOptions = {
  includeTurns: true,
  ephemeral: false,
  threadSource: null,
  originator: "test",
  lastTurnId: undefined,
  beforeTurnId: undefined,
};

const words = (turns: readonly Turn[]): readonly string[] =>
  turns.map(({ items }) =>
    items
      .map((item) =>
        item.type === "agentMessage"
          ? item.text
          : item.type === "userMessage" && item.content[0]?.type === "text"
            ? item.content[0].text
            : item.type,
      )
      .join("/"),
  );

const refusalOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return "not refused";
  } catch (error) {
    return error instanceof RpcError ? error.message : String(error);
  }
};

/** A thread with the turns "one/a" and "two/b". */
async function twoTurns(bench: ThreadBench) {
  const { id, outlet } = await bench.thread();
  bench.model.script.push(says("m1", "a"), says("m2", "b"));
  const first = await bench.turn(id, "one");
  await turnEnded(outlet);
  await bench.turn(id, "two");
  await turnEnded(outlet, 2);
  return { id, outlet, first: TurnId.parse(first) };
}

describe("a fork", () => {
  it("begins with the source's past, goes its own way, and leaves the source as it was", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await twoTurns(bench);
    const { view, announce } = await bench.manager.fork(id, whole);
    announce();
    await tick();
    expect(outlet.sent.at(-1)).toMatchObject({
      method: "thread/started",
      params: { thread: { id: view.thread.id, forkedFromId: id, turns: [], preview: "one" } },
    });
    expect(words(view.thread.turns)).toEqual(["one/a", "two/b"]);
    const fork: ThreadId = view.thread.id;
    watchFromNow(bench.hub, fork, outlet);
    bench.model.script.push(says("m3", "c"));
    await bench.turn(fork, "three");
    await turnEnded(outlet, 3);
    expect(words((await bench.manager.read(fork, true)).turns)).toEqual([
      "one/a",
      "two/b",
      "three/c",
    ]);
    expect(words((await bench.manager.read(id, true)).turns)).toEqual(["one/a", "two/b"]);
    const sent = JSON.stringify(bench.model.requests.at(-1)?.input);
    expect(["one", "two", "three"].filter((text) => sent.includes(text))).toHaveLength(3);
  });

  it("may end after a turn or before one", async () => {
    const bench = createThreadBench();
    const { id, first } = await twoTurns(bench);
    const after = await bench.manager.fork(id, { ...whole, lastTurnId: first });
    const before = await bench.manager.fork(id, { ...whole, beforeTurnId: first });
    expect([words(after.view.thread.turns), words(before.view.thread.turns)]).toEqual([
      ["one/a"],
      [],
    ]);
  });

  it("of a running turn has it interrupted, while the source goes on", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await twoTurns(bench);
    bench.model.script.push(hangs("m3", "half"));
    await bench.turn(id, "three");
    await until(() => said(outlet, "m3") === "half");
    const { view } = await bench.manager.fork(id, whole);
    expect(view.thread.turns.map(({ status }) => status)).toEqual([
      "completed",
      "completed",
      "interrupted",
    ]);
    expect((await bench.manager.read(id, false)).status).toEqual({
      type: "active",
      activeFlags: [],
    });
  });

  it("needs a source that something was said in, and a turn that is there", async () => {
    const bench = createThreadBench();
    const { id } = await twoTurns(bench);
    const { id: silent } = await bench.thread();
    const missing = TurnId.parse("01a20248-1219-7f21-8eb0-2533e64d2882");
    expect(await refusalOf(bench.manager.fork(silent, whole))).toBe(
      `no rollout found for thread id ${silent}`,
    );
    expect(await refusalOf(bench.manager.fork(id, { ...whole, lastTurnId: missing }))).toBe(
      `turn not found: ${missing}`,
    );
  });

  it("for the moment is kept nowhere", async () => {
    const bench = createThreadBench();
    const { id } = await twoTurns(bench);
    expect(await refusalOf(bench.manager.fork(id, { ...whole, ephemeral: true }))).toBe(
      "ephemeral paginated thread/fork requires `excludeTurns: true`",
    );
    const { view } = await bench.manager.fork(id, {
      ...whole,
      includeTurns: false,
      ephemeral: true,
    });
    expect(view.thread).toMatchObject({ ephemeral: true, path: null, forkedFromId: id });
    await bench.manager.close();
    expect(await refusalOf(bench.restarted().read(view.thread.id, false))).toBe(
      `thread not loaded: ${view.thread.id}`,
    );
  });
});

describe("deleting", () => {
  it("ends what runs, says so, and nothing is left", async () => {
    const bench = createThreadBench();
    const { id, outlet } = await twoTurns(bench);
    bench.model.script.push(hangs("m3", "half"));
    await bench.turn(id, "three");
    await until(() => said(outlet, "m3") === "half");
    const { announce } = await bench.manager.delete(id);
    announce();
    await tick();
    expect(outlet.trace.slice(-3)).toEqual([
      "turn/completed",
      "thread/status/changed",
      "thread/deleted",
    ]);
    expect(await refusalOf(bench.manager.read(id, false))).toBe(`thread not loaded: ${id}`);
    expect(await refusalOf(bench.manager.delete(id))).toBe(`no rollout found for thread id ${id}`);
  });
});

describe("what is known of the repository", () => {
  it("changes member by member and survives a restart", async () => {
    const bench = createThreadBench();
    const { id } = await twoTurns(bench);
    const set = await bench.manager.setGitInfo(id, { branch: "main", sha: "abc" });
    expect(set.gitInfo).toEqual({ branch: "main", sha: "abc", originUrl: null });
    await bench.manager.setGitInfo(id, { sha: null });
    await bench.manager.close();
    const next = bench.restarted();
    expect((await next.read(id, false)).gitInfo).toEqual({
      branch: "main",
      sha: null,
      originUrl: null,
    });
    expect((await next.setGitInfo(id, { branch: null })).gitInfo).toBeNull();
  });
});

describe("an archived thread", () => {
  it("is not resumed or forked before it is taken out again", async () => {
    const bench = createThreadBench();
    const { id } = await twoTurns(bench);
    (await bench.manager.archive(id)).announce();
    const text = `session ${id} is archived. Run \`codex unarchive ${id}\` to unarchive it first.`;
    expect(await refusalOf(bench.manager.resume(id, { includeTurns: true }))).toBe(text);
    expect(await refusalOf(bench.manager.fork(id, whole))).toBe(text);
    await bench.manager.unarchive(id);
    expect(words((await bench.manager.resume(id, { includeTurns: true })).thread.turns)).toEqual([
      "one/a",
      "two/b",
    ]);
  });
});
