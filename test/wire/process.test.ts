/** `process/…`: processes that clients start and leave running. */
import { afterEach, describe, expect, test } from "vitest";
import { HostClient, startOn, stopHosts, temporaryHomes } from "../helpers/running-host.ts";

afterEach(stopHosts);

async function bench() {
  const homes = temporaryHomes("");
  const host = await startOn(homes);
  const client = await HostClient.connect(homes);
  const told = (method: string, handle: string) =>
    client.sent
      .filter((sent) => sent.method === method && sent.params?.["processHandle"] === handle)
      .map(({ params }) => params);
  return {
    homes,
    host,
    client,
    told,
    spawn: (processHandle: string, command: readonly string[], more: object = {}) =>
      client.call("process/spawn", { cwd: homes.cwd, command, processHandle, ...more }),
    said: (method: string, params: object): Promise<unknown> =>
      client.call(`process/${method}`, params).catch((error: Error) => error.message),
    exited: async (handle: string) => {
      await client.until(
        ({ method, params }) => method === "process/exited" && params?.["processHandle"] === handle,
      );
      return told("process/exited", handle).at(-1);
    },
    printed: (handle: string): string =>
      told("process/outputDelta", handle)
        .map((params) => Buffer.from(String(params?.["deltaBase64"]), "base64").toString())
        .join(""),
  };
}

const ended = (processHandle: string, more: object = {}) => ({
  processHandle,
  exitCode: 0,
  outputDrainTimedOut: false,
  stdout: "",
  stdoutCapReached: false,
  stderr: "",
  stderrCapReached: false,
  ...more,
});
const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("a process", () => {
  test("is answered when it has started, and told of when it has ended", async () => {
    const { client, spawn, exited } = await bench();
    const answer = await spawn("a", ["sh", "-c", "echo out; echo err >&2; exit 3"]);
    expect(answer).toEqual({});
    expect(await exited("a")).toEqual(
      ended("a", { exitCode: 3, stdout: "out\n", stderr: "err\n" }),
    );
    const at = client.sent.findIndex(({ result }) => result === answer);
    const exit = client.sent.findIndex(({ method }) => method === "process/exited");
    expect([at !== -1, at < exit]).toEqual([true, true]);
    expect(await spawn("a", ["true"])).toEqual({});
  });

  test("tells what it prints after the answer, piece by piece, and not again", async () => {
    const { client, spawn, exited, printed, told } = await bench();
    const answer = await spawn("s", ["printf", "abcdefghij"], {
      streamStdoutStderr: true,
      outputBytesCap: 4,
    });
    expect(await exited("s")).toEqual(ended("s", { stdoutCapReached: true }));
    expect([printed("s"), told("process/outputDelta", "s").at(-1)?.["capReached"]]).toEqual([
      "abcd",
      true,
    ]);
    const first = client.sent.findIndex(({ method }) => method === "process/outputDelta");
    expect(client.sent.findIndex(({ result }) => result === answer)).toBeLessThan(first);
  });

  test("takes input, the end of it, and runs on a terminal", async () => {
    const { spawn, said, exited, printed, client } = await bench();
    await spawn("c", ["cat"], { streamStdin: true });
    expect(await said("writeStdin", { processHandle: "c", deltaBase64: base64("hey") })).toEqual(
      {},
    );
    expect(await said("writeStdin", { processHandle: "c" })).toBe(
      "-32602 process/writeStdin requires deltaBase64 or closeStdin",
    );
    expect(await said("writeStdin", { processHandle: "c", closeStdin: true })).toEqual({});
    expect(await exited("c")).toEqual(ended("c", { stdout: "hey" }));
    const script = "stty size; read line; stty size";
    await spawn("t", ["sh", "-c", script], { tty: true, size: { rows: 20, cols: 70 } });
    await client.until(() => printed("t").includes("20 70"));
    expect(await said("resizePty", { processHandle: "t", size: { rows: 25, cols: 75 } })).toEqual(
      {},
    );
    expect(await said("writeStdin", { processHandle: "t", deltaBase64: base64("\n") })).toEqual({});
    await exited("t");
    expect(printed("t")).toContain("25 75");
  });

  test("is killed by its client, by the clock, and with its connection", async () => {
    const { spawn, said, exited, homes, client } = await bench();
    await spawn("k", ["sleep", "600"], { timeoutMs: null });
    expect(await said("kill", { processHandle: "k" })).toEqual({});
    expect(await exited("k")).toEqual(ended("k", { exitCode: 137 }));
    expect(await said("kill", { processHandle: "k" })).toBe(
      '-32600 no active process for process handle "k"',
    );
    await spawn("t", ["sleep", "600"], { timeoutMs: 50 });
    expect(await exited("t")).toEqual(ended("t", { exitCode: 124 }));
    const other = await HostClient.connect(homes);
    const command = ["sh", "-c", `echo $$ > pid; exec sleep 600`];
    await other.call("process/spawn", {
      cwd: homes.cwd,
      command,
      processHandle: "e",
      timeoutMs: null,
    });
    await spawn("w", ["sh", "-c", "until test -s pid; do sleep 0.05; done; cat pid"], {
      timeoutMs: null,
    });
    const { stdout } = Object(await exited("w"));
    other.drop();
    const gone = `while kill -0 ${Number(stdout)} 2>/dev/null; do sleep 0.05; done`;
    await spawn("g", ["sh", "-c", gone], { timeoutMs: 60_000 });
    expect(await exited("g")).toEqual(ended("g"));
    expect(client.sent.some(({ params }) => params?.["processHandle"] === "e")).toBe(false);
  });

  test("keeps what it printed where a child holds the output open, and says so", async () => {
    const { spawn, exited } = await bench();
    await spawn("d", ["sh", "-c", "sleep 600 & echo now"], { timeoutMs: null });
    expect(await exited("d")).toEqual(ended("d", { stdout: "now\n", outputDrainTimedOut: true }));
  });

  test("keeps no more than a notification can hold", async () => {
    const { spawn, exited } = await bench();
    const params = { outputBytesCap: null, timeoutMs: null };
    await spawn("z", ["head", "-c", "50000000", "/dev/zero"], params);
    const { stdout, stdoutCapReached } = Object(await exited("z"));
    expect(Buffer.byteLength(JSON.stringify(stdout))).toBeLessThanOrEqual(3 * 1024 * 1024);
    expect([String(stdout).length > 400_000, stdoutCapReached]).toEqual([true, true]);
  });
});

test.each([
  [{ command: [] }, "-32600 command must not be empty"],
  [{ processHandle: "" }, "-32600 processHandle must not be empty"],
  [
    { command: ["/no/such"] },
    "-32603 failed to spawn process: No such file or directory (os error 2)",
  ],
  [{ command: [""] }, "-32603 failed to spawn process: missing program for pipe spawn"],
  [{ cwd: "/no/such" }, "-32603 failed to spawn process: No such file or directory (os error 2)"],
  [{ size: { rows: 1, cols: 1 } }, "-32602 process/spawn size requires tty: true"],
  [
    { tty: true, size: { rows: 0, cols: 1 } },
    "-32602 process size rows and cols must be greater than 0",
  ],
  [{ timeoutMs: -1 }, "-32602 process/spawn timeoutMs must be non-negative, got -1"],
  [{ processHandle: "busy" }, '-32600 duplicate active process handle: "busy"'],
])("%j is refused in the stock server's words", async (change, words) => {
  const { homes, said, spawn } = await bench();
  await spawn("busy", ["sleep", "600"], { timeoutMs: null });
  const plain = { cwd: homes.cwd, command: ["true"], processHandle: "x" };
  expect(await said("spawn", { ...plain, ...change })).toBe(words);
});

test("a handle of another family or connection is none", async () => {
  const { homes, said, spawn, client } = await bench();
  await spawn("p", ["sleep", "600"], { timeoutMs: null });
  const other = await HostClient.connect(homes);
  const unknown = '-32600 no active process for process handle "p"';
  expect(await other.call("process/kill", { processHandle: "p" }).catch(String)).toContain(unknown);
  expect(await client.call("command/exec/terminate", { processId: "p" }).catch(String)).toContain(
    'no active command/exec for process id "p"',
  );
  expect(await said("resizePty", { processHandle: "p", size: { rows: 2, cols: 2 } })).toBe(
    "-32600 failed to resize PTY: process is not attached to a PTY",
  );
  expect(await said("writeStdin", { processHandle: "p", deltaBase64: "" })).toBe(
    "-32600 stdin streaming is not enabled for this process",
  );
});

test("nothing confines it, so it is an admin's", async () => {
  const { homes, host, client } = await bench();
  const operator = await HostClient.connectAs("operator", host, client);
  const params = { cwd: homes.cwd, command: ["true"], processHandle: "x" };
  const said = await operator.call("process/spawn", params).catch(String);
  expect(said).toContain("process/spawn needs the role admin");
});
