import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ThreadId } from "../../../src/protocol/ids.ts";
import { ToolBench } from "./tool-bench.ts";

let bench: ToolBench;
beforeEach(() => {
  bench = new ToolBench();
});
afterEach(() => bench.close());

const number: unknown = expect.any(Number);
const outputIn = (text: string): string => text.slice(text.indexOf("Output:\n") + 8);
const report = (state: string, tokens: number | string, output: string): RegExp =>
  new RegExp(
    `^Chunk ID: [0-9a-f]{6}\nWall time: \\d+\\.\\d{4} seconds\n${state}\nOriginal token count: ${tokens}\nOutput:\n${output}$`,
  );
const sessionIn = (text: string): number => Number(/session ID (\d+)/.exec(text)?.[1]);
const pidIn = (path: string): number => Number(readFileSync(path, "utf8"));

/** A zombie counts as gone: only its parent has yet to hear of it. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
}

describe("a command that needs no approval", () => {
  test("tells its item, its output and its exit code", async () => {
    const output = await bench.exec('printf "out\\n"; exit 3');
    expect(output).toMatch(report("Process exited with code 3", 1, "out\n"));
    const common = {
      type: "commandExecution",
      id: "call_1",
      pluginId: null,
      scriptPath: null,
      command: '/bin/bash -lc "printf \\"out\\\\n\\"; exit 3"',
      cwd: bench.folder,
      processId: expect.stringMatching(/^\d{4,5}$/),
      source: "unifiedExecStartup",
      commandActions: [{ type: "unknown", command: 'printf "out\\n"; exit 3' }],
      startedAtMs: number,
    };
    expect(bench.told).toEqual([
      {
        kind: "started",
        item: {
          ...common,
          status: "inProgress",
          aggregatedOutput: null,
          exitCode: null,
          durationMs: null,
          completedAtMs: null,
        },
      },
      {
        kind: "completed",
        item: {
          ...common,
          status: "failed",
          aggregatedOutput: "out\n",
          exitCode: 3,
          durationMs: number,
          completedAtMs: number,
        },
      },
    ]);
  });

  test("without output completes with none", async () => {
    expect(await bench.exec("true")).toMatch(report("Process exited with code 0", 0, ""));
    expect(bench.items("completed")).toMatchObject([
      { status: "completed", aggregatedOutput: null },
    ]);
  });

  test("that a signal ended has 128 and its number as exit code", async () => {
    expect(await bench.exec("kill -9 $$")).toContain("Process exited with code 137");
  });

  test("keeps the order of its two outputs", async () => {
    const script = "for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; done";
    expect(await bench.exec(script)).toContain(
      "out1\nerr1\nout2\nerr2\nout3\nerr3\nout4\nerr4\nout5\nerr5\n",
    );
  });

  test("reads an empty standard input", async () => {
    expect(await bench.exec("cat; echo end")).toContain("Output:\nend\n");
  });

  test("shows bytes that are no text as replacement characters", async () => {
    expect(await bench.exec(String.raw`printf 'a\xff\xfeb\n'`)).toContain("a\ufffd\ufffdb\n");
  });

  test("runs in the folder that the call names", async () => {
    expect(await bench.exec("pwd", { workdir: "/" })).toContain("Output:\n/\n");
  });

  test("runs beside another", async () => {
    const [one, two] = await Promise.all([bench.exec("echo one"), bench.exec("echo two")]);
    expect([one.includes("one"), two.includes("two")]).toEqual([true, true]);
    expect(
      bench
        .items("completed")
        .map((item) => item.id)
        .toSorted(),
    ).toEqual(["call_1", "call_2"]);
  });

  test("ends although a child that it left behind holds the output", async () => {
    expect(await bench.exec("sleep 300 & echo $! > pid; echo done")).toContain("code 0");
    const pid = pidIn(join(bench.folder, "pid"));
    expect(isRunning(pid)).toBe(true);
    await bench.tools.endThread(bench.context().threadId);
    await gone(pid);
  });
});

describe("what does not start", () => {
  test("a folder that does not exist fails the item and is told", async () => {
    const reason = `the folder ${bench.folder}/nope does not exist; name an existing folder in \`workdir\`, or create it first`;
    expect(await bench.exec("pwd", { workdir: "nope" })).toBe(`exec_command failed: ${reason}`);
    expect(bench.items("completed")).toMatchObject([
      { status: "failed", processId: null, exitCode: -1, durationMs: 0, aggregatedOutput: reason },
    ]);
  });

  test.each([
    ["/nope/bash", /the shell \/nope\/bash does not exist/],
    ["python3", /python3 is not a shell/],
  ])("the shell %s is refused without an item", async (shell, text) => {
    expect(await bench.exec("pwd", { shell })).toMatch(text);
    expect(bench.told).toEqual([]);
  });

  test("a command that is too long is told with a way out", async () => {
    expect(await bench.exec(`true ${"x".repeat(200_000)}`)).toMatch(
      /longer than the system accepts.*script file/,
    );
    expect(bench.items("completed")).toMatchObject([{ status: "failed" }]);
  });

  test.each([
    ["not json", /^failed to parse function arguments: /],
    [{ cmd: 5 }, /^failed to parse function arguments: `cmd` must be a string$/],
    [{ cmd: "rm \ud800" }, /^failed to parse function arguments: `cmd` holds half a character/],
    [{}, /^failed to parse function arguments: missing field `cmd`$/],
    [{ cmd: "x", yield_time_ms: "a" }, /^failed to parse function arguments: `yield_time_ms`/],
    [[1], /^failed to parse function arguments: expected an object$/],
  ])("the arguments %j are refused", async (input, text) => {
    expect(await bench.call("exec_command", input)).toMatch(text);
    expect(bench.told).toEqual([]);
  });

  test("a tool that does not exist is named", async () => {
    expect(await bench.call("frobnicate", {})).toBe("unsupported call: frobnicate");
  });
});

describe("a command that runs on", () => {
  test("becomes a session whose end a poll tells", async () => {
    const first = await bench.exec("echo a; until [ -e go ]; do sleep 0.02; done; echo b", {
      yield_time_ms: 250,
    });
    const id = sessionIn(first);
    expect(first).toMatch(
      report(String.raw`Process running with session ID \d{4,5}`, "\\d", "(a\n)?"),
    );
    expect(bench.items("completed")).toEqual([]);
    await bench.until(() => bench.streamed === "a\n");
    writeFileSync(join(bench.folder, "go"), "");
    const poll = await bench.call("write_stdin", { session_id: id, yield_time_ms: 30_000 });
    expect(poll).toMatch(report("Process exited with code 0", "\\d", "(a\n)?b\n"));
    expect(outputIn(first) + outputIn(poll)).toBe("a\nb\n");
    expect(bench.items("completed")).toMatchObject([
      { id: "call_1", processId: String(id), status: "completed", aggregatedOutput: "a\nb\n" },
    ]);
    expect(bench.streamed).toBe("a\nb\n");
    expect(await bench.call("write_stdin", { session_id: id })).toBe(
      `write_stdin failed: Unknown process id ${id}`,
    );
  });

  test("is typed into on a terminal", async () => {
    const first = await bench.exec("echo up; read x; echo got $x; read y; echo bye $y", {
      tty: true,
      yield_time_ms: 250,
    });
    await bench.until(() => bench.streamed.includes("up\r\n"));
    const id = sessionIn(first);
    const second = await bench.call("write_stdin", { session_id: id, chars: "one\n" });
    await bench.until(() => bench.streamed.includes("got one\r\n"));
    const last = await bench.call("write_stdin", {
      session_id: id,
      chars: "two\n",
      yield_time_ms: 30_000,
    });
    expect(last).toContain("exited with code 0");
    expect(outputIn(first) + outputIn(second) + outputIn(last)).toBe(
      "up\r\none\r\ngot one\r\ntwo\r\nbye two\r\n",
    );
    expect(bench.told.filter((entry) => entry.kind === "typed")).toEqual([
      { kind: "typed", processId: String(id), stdin: "one\n" },
      { kind: "typed", processId: String(id), stdin: "two\n" },
    ]);
  });

  test("has a terminal of 80 by 24 without colours", async () => {
    expect(await bench.exec("stty size; echo $TERM", { tty: true })).toContain("24 80\r\ndumb\r\n");
  });

  test("cannot be typed into on a pipe, but stopped", async () => {
    const id = sessionIn(await bench.exec("echo up; exec sleep 300", { yield_time_ms: 250 }));
    await bench.until(() => bench.streamed.includes("up"));
    expect(await bench.call("write_stdin", { session_id: id, chars: "x" })).toMatch(
      /stdin is closed.*`tty`/,
    );
    expect(
      await bench.call("write_stdin", { session_id: id, chars: "\u0003", yield_time_ms: 30_000 }),
    ).toContain("exited with code 130");
  });

  test("belongs to its thread", async () => {
    const id = sessionIn(await bench.exec("sleep 300", { yield_time_ms: 250 }));
    expect(await bench.call("write_stdin", { session_id: id, chars: "\u0003" }, "other")).toBe(
      `write_stdin failed: Unknown process id ${id}`,
    );
  });

  test("ends with its thread, and is told of", async () => {
    await bench.exec("sleep 300", { yield_time_ms: 250 });
    await bench.tools.endThread(bench.context().threadId);
    expect(bench.items("completed")).toMatchObject([{ status: "failed", exitCode: 143 }]);
  });
});

describe("an interrupt", () => {
  test.each([
    ["pipes", false],
    ["a terminal", true],
  ])("ends a command on %s and what it started, and the call rejects", async (_, tty) => {
    const call = bench.exec(
      "(sleep 300 & echo $! > grandchild; wait) & echo $$ > child; until [ -s grandchild ]; do sleep 0.02; done; echo up; wait",
      { tty },
    );
    await bench.until(() => bench.streamed.includes("up"));
    bench.abort.abort(new Error("interrupted"));
    await expect(call).rejects.toThrow("interrupted");
    expect(bench.items("completed")).toMatchObject([
      { status: "failed", aggregatedOutput: tty ? "up\r\n" : "up\n" },
    ]);
    for (const name of ["child", "grandchild"]) await gone(pidIn(join(bench.folder, name)));
  });

  test("kills after two seconds what ignores being asked", async () => {
    const call = bench.exec("trap '' TERM; echo $$ > pid; echo up; while :; do sleep 0.1; done");
    await bench.until(() => bench.streamed.includes("up"));
    const since = performance.now();
    bench.abort.abort(new Error("interrupted"));
    await expect(call).rejects.toThrow("interrupted");
    expect(performance.now() - since).toBeLessThan(8_000);
    await gone(pidIn(join(bench.folder, "pid")));
    expect(bench.items("completed")).toMatchObject([{ exitCode: 137 }]);
  });

  test("ends the sessions that the turn began", async () => {
    await bench.exec("echo $$ > pid; echo up; exec sleep 300", { yield_time_ms: 250 });
    await bench.until(() => bench.streamed.includes("up"));
    bench.abort.abort(new Error("interrupted"));
    await bench.until(() => bench.items("completed").length === 1);
    await gone(pidIn(join(bench.folder, "pid")));
    expect(bench.items("completed")).toMatchObject([{ status: "failed", exitCode: 143 }]);
  });
});

describe("much output", () => {
  test("50 MB are kept in bounded memory, and beginning and end are told", async () => {
    const before = process.memoryUsage().rss;
    const output = await bench.exec(
      "echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last",
      {
        yield_time_ms: 30_000,
      },
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
    expect(output.length).toBeLessThan(41_000);
    expect(output).toMatch(/Total output lines: 3\n\nfirst\nxxx[^]*tokens truncated…x+\nlast\n$/);
    const [item] = bench.items("completed");
    const kept = item?.type === "commandExecution" ? (item.aggregatedOutput ?? "") : "";
    expect(kept.length).toBeGreaterThan(1_000_000);
    expect(kept.length).toBeLessThan(1_100_000);
    expect(kept).toMatch(/^first\n[^]*bytes left out[^]*\nlast\n$/);
    const longest = Math.max(
      ...bench.told.map((entry) => (entry.kind === "delta" ? entry.text.length : 0)),
    );
    expect(longest).toBeLessThanOrEqual(8 * 1024);
  }, 30_000);

  test("is cut to the model's budget", async () => {
    const output = await bench.exec("seq 1 2000", { max_output_tokens: 50 });
    expect(output).toMatch(
      /Original token count: 2224\nOutput:\nWarning: truncated output \(original token count: 2224\)\nTotal output lines: 2000\n\n1\n2\n[^]*…2174 tokens truncated…1981\n[^]*2000\n$/,
    );
  });

  test("a character that is split between two pieces arrives whole", async () => {
    await bench.exec(String.raw`printf '\xe2'; sleep 0.3; printf '\x82\xac'; sleep 0.3; echo`);
    expect(bench.streamed).toBe("€\n");
  });
});

test("commands see no secrets of the host", async () => {
  const env = {
    PATH: process.env["PATH"],
    HOME: bench.folder,
    OPENAI_API_KEY: "canary-1",
    my_secret_thing: "canary-2",
    GITHUB_TOKEN: "canary-3",
    FARHELM_HOME: "canary-4",
    FARHELM_ADMIN: "canary-5",
    CODEX_ACCESS: "canary-6",
    CODEX_HOME: "/codex-home",
    PLAIN: "seen",
  };
  const other = new ToolBench({ env });
  try {
    const output = await other.exec("env", { login: false });
    expect(output).not.toContain("canary");
    expect(output.split("\n")).toEqual(
      expect.arrayContaining([
        "PLAIN=seen",
        "CODEX_HOME=/codex-home",
        "TERM=dumb",
        "PAGER=cat",
        "GIT_PAGER=cat",
        "NO_COLOR=1",
      ]),
    );
  } finally {
    await other.close();
  }
});

describe("a command that the agent left running", () => {
  const threadId = ThreadId.parse("thread");

  test("is listed until somebody ends it; then its item is failed without an exit code of its own", async () => {
    await bench.exec("sleep 300", { yield_time_ms: 250 });
    await bench.exec("exec cat", { yield_time_ms: 250, workdir: "/", tty: true });
    await bench.exec("echo done");
    const listed = bench.tools.background(threadId);
    expect(
      listed
        .map(({ itemId, script, cwd }) => ({ itemId, script, cwd }))
        .toSorted((a, b) => (a.itemId < b.itemId ? -1 : 1)),
    ).toEqual([
      { itemId: "call_1", script: "sleep 300", cwd: bench.folder },
      { itemId: "call_2", script: "exec cat", cwd: "/" },
    ]);
    const numbers = listed.map(({ processId }) => processId);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    const cat = listed.find(({ script }) => script === "exec cat");
    expect(bench.tools.endBackground(threadId, cat?.processId ?? 0)).toBe(true);
    expect(bench.tools.endBackground(threadId, cat?.processId ?? 0)).toBe(false);
    expect(bench.tools.background(threadId).map(({ script }) => script)).toEqual(["sleep 300"]);
    expect(bench.tools.background(ThreadId.parse("another"))).toEqual([]);
    await bench.until(() => bench.items("completed").length === 2);
    expect(bench.items("completed").at(-1)).toMatchObject({
      id: "call_2",
      processId: String(cat?.processId),
      status: "failed",
      exitCode: -1,
    });
    await bench.tools.endThread(threadId);
  });
});
