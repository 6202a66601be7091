import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { UserCommandResult } from "../../../src/tools/port.ts";
import { ToolBench } from "./tool-bench.ts";

let bench: ToolBench;
beforeEach(() => {
  bench = new ToolBench();
});
afterEach(() => bench.close());

const run = (script: string, timeoutMs = 20_000): Promise<UserCommandResult> =>
  bench.tools.runUserCommand({ script, timeoutMs }, bench.context());

describe("a person's own command", () => {
  test("runs without a question whatever the thread's limits, and its item says whose it is", async () => {
    bench.sandboxPolicy = { type: "readOnly", networkAccess: false };
    bench.approvalPolicy = "untrusted";
    const result = await run("echo out; echo err >&2; exit 4");
    expect(result).toEqual({
      exitCode: 4,
      durationMs: expect.any(Number),
      output: "out\nerr\n",
    });
    expect(bench.told.filter(({ kind }) => kind === "asked")).toEqual([]);
    const [started] = bench.items("started");
    expect(bench.items("completed")).toEqual([
      {
        ...started,
        source: "userShell",
        command: "/bin/bash -lc 'echo out; echo err >&2; exit 4'",
        processId: null,
        status: "failed",
        aggregatedOutput: "out\nerr\n",
        exitCode: 4,
        durationMs: expect.any(Number),
        completedAtMs: expect.any(Number),
      },
    ]);
  });

  test("ends with the turn, and its item keeps what it printed", async () => {
    const running = run("echo begun; sleep 60");
    await bench.until(() => bench.streamed.includes("begun"));
    bench.abort.abort(new Error("interrupted"));
    expect(await running).toMatchObject({
      exitCode: -1,
      output: "begun\ncommand aborted by user",
    });
    expect(bench.items("completed")).toMatchObject([
      { status: "failed", exitCode: -1, aggregatedOutput: "begun\ncommand aborted by user" },
    ]);
  });

  test("ends when its time is over", async () => {
    expect(await run("printf half; sleep 60", 3000)).toMatchObject({
      exitCode: -1,
      output: "half\ncommand timed out after 3000 ms",
    });
  });

  test("that cannot start says why", async () => {
    const context = { ...bench.context(), cwd: `${bench.folder}/missing` };
    const result = await bench.tools.runUserCommand({ script: "ls", timeoutMs: 1_000 }, context);
    expect(result.exitCode).toBe(-1);
    expect(result.output).toMatch(/missing does not exist/);
    expect(bench.items("completed")).toMatchObject([{ source: "userShell", status: "failed" }]);
  });

  test("is shortened for the model and capped in its item", async () => {
    const { output } = await run("seq 1 400000");
    expect(output.length).toBeLessThan(45_000);
    const [item] = bench.items("completed");
    const text = item?.type === "commandExecution" ? (item.aggregatedOutput ?? "") : "";
    expect(text.length).toBeGreaterThan(1_000_000);
    expect(text.length).toBeLessThan(1_100_000);
  });
});
