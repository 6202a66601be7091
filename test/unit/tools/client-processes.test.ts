import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { noConfinement } from "../../helpers/no-sandbox.ts";
import { standardEnvironment } from "../../../src/permissions/shell-environment.ts";
import { createClientProcesses } from "../../../src/tools/client-processes.ts";
import type { ClientCommand, ClientProcesses } from "../../../src/tools/port.ts";
import { deferred } from "../../../src/util/deferred.ts";
import { ClientCommandError } from "../../../src/tools/port.ts";

let folder: string;
let processes: ClientProcesses;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "farhelm-client-"));
  const env = { PATH: process.env["PATH"], HOME: folder, API_KEY: "SECRET", TERM: "dumb" };
  processes = createClientProcesses({ env, protectedPaths: [], confinement: noConfinement });
});
afterEach(async () => {
  await processes.close();
  rmSync(folder, { recursive: true });
});

const owner = {};
const plain = (command: readonly string[], more: Partial<ClientCommand> = {}): ClientCommand => ({
  command,
  cwd: folder,
  environmentPolicy: standardEnvironment,
  env: {},
  terminal: undefined,
  takesInput: false,
  outputBytesCap: undefined,
  timeoutMs: undefined,
  limit: async () => undefined,
  ...more,
});
const sh = (script: string, more?: Partial<ClientCommand>): ClientCommand =>
  plain(["sh", "-c", script], more);

/** What a process printed, and who waits for a piece of it. */
class Printed {
  stdout = "";
  stderr = "";
  readonly caps: string[] = [];
  #check = (): void => undefined;

  readonly listener = (stream: "stdout" | "stderr", bytes: Buffer, isLast: boolean): undefined => {
    this[stream] += bytes.toString();
    if (isLast) this.caps.push(stream);
    this.#check();
  };

  until(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#check = () => this.stdout.includes(text) && resolve();
      this.#check();
    });
  }
}

async function run(command: ClientCommand) {
  const printed = new Printed();
  const running = await processes.start(owner, "p", command, printed.listener);
  const exitCode = await running.ended;
  return { exitCode, stdout: printed.stdout, stderr: printed.stderr, caps: printed.caps };
}

/** One that has ended and was not collected yet does not run. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.trim().startsWith("Z");
}

describe("a client's process", () => {
  test("tells its two outputs apart, and its exit code", async () => {
    expect(await run(sh("echo out; echo err >&2; exit 7"))).toEqual({
      exitCode: 7,
      stdout: "out\n",
      stderr: "err\n",
      caps: [],
    });
  });

  test("inherits no secret; the client's variables are laid over what it inherits", async () => {
    const script = 'echo "${API_KEY-none}|${HOME-none}|$FOO|$LANG"';
    expect(await run(sh(script, { env: { FOO: "bar", HOME: null } }))).toMatchObject({
      stdout: "none|none|bar|C.UTF-8\n",
    });
  });

  test("a signal gives 128 and its number", async () => {
    expect(await run(sh("kill -TERM $$"))).toMatchObject({ exitCode: 143 });
  });

  test("is killed with its children when its time is over, and gives 124", async () => {
    const result = await run(sh("trap '' TERM; sleep 60 & echo $!; wait", { timeoutMs: 2000 }));
    expect(result).toMatchObject({ exitCode: 124 });
    expect(isRunning(Number(result.stdout))).toBe(false);
  });

  test("a time of zero is over at once", async () => {
    expect(await run(sh("sleep 60", { timeoutMs: 0 }))).toMatchObject({ exitCode: 124 });
  });

  test("a child that keeps the output open is not waited for", async () => {
    const printed = new Printed();
    const running = await processes.start(owner, "p", sh("sleep 30 & echo $!"), printed.listener);
    expect(await running.ended).toBe(0);
    process.kill(Number(printed.stdout));
  });

  test.each([
    [4, { stdout: "abcd", stderr: "ABCD", caps: ["stdout", "stderr"] }],
    [10, { stdout: "abcdefghij", stderr: "ABCDEFGHIJ", caps: ["stdout", "stderr"] }],
    [11, { stdout: "abcdefghij", stderr: "ABCDEFGHIJ", caps: [] }],
    [0, { stdout: "", stderr: "", caps: ["stdout", "stderr"] }],
  ])("a cap of %i counts per stream and is told once", async (outputBytesCap, expected) => {
    const script = "printf abcdefghij; printf ABCDEFGHIJ >&2";
    const result = await run(sh(script, { outputBytesCap }));
    expect({ ...result, caps: result.caps.toSorted().toReversed() }).toEqual({
      exitCode: 0,
      ...expected,
    });
  });

  test("reads what is written to it until its input is closed", async () => {
    const printed = new Printed();
    const command = plain(["cat"], { takesInput: true });
    const running = await processes.start(owner, "p", command, printed.listener);
    running.write(Buffer.from("hey "));
    running.write(Buffer.from("you"));
    expect(running.inputClosed).toBe(false);
    running.closeInput();
    expect(running.inputClosed).toBe(true);
    expect(await running.ended).toBe(0);
    expect(printed.stdout).toBe("hey you");
  });

  test("refuses input that it does not read", async () => {
    const command = plain(["sleep", "60"], { takesInput: true });
    const running = await processes.start(owner, "p", command, () => undefined);
    const piece = Buffer.alloc(4 * 1024 * 1024);
    const write = (): void => {
      for (let count = 0; count < 4; count++) running.write(piece);
    };
    expect(write).toThrow(/does not read its input/);
  });

  test("waits while its output has no room, and loses none of it", async () => {
    const size = 3_000_000;
    const allRead = deferred<void>();
    let bytesRead = 0;
    let waiting = 0;
    let bytesWhileWaiting = 0;
    const command = sh(`head -c ${size} /dev/zero; read line`, { takesInput: true });
    const running = await processes.start(owner, "p", command, (_stream, { length }) => {
      bytesRead += length;
      if (waiting > 0) bytesWhileWaiting += length;
      if (bytesRead === size) allRead.resolve();
      waiting += 1;
      return new Promise((resolve) => {
        setTimeout(() => {
          waiting -= 1;
          resolve();
        }, 1);
      });
    });
    await allRead.promise;
    running.closeInput();
    await running.ended;
    expect({ bytesRead, bytesWhileWaiting }).toEqual({ bytesRead: size, bytesWhileWaiting: 0 });
  });
});

describe("a client's process on a terminal", () => {
  const terminal = { rows: 20, cols: 70 };

  test("has the size that was asked for, and the next one", async () => {
    const printed = new Printed();
    const command = sh('stty size; read line; stty size; echo "$TERM $line"', { terminal });
    const running = await processes.start(owner, "p", command, printed.listener);
    await printed.until("20 70");
    running.resize({ rows: 25, cols: 75 });
    running.write(Buffer.from("hé\n"));
    expect(await running.ended).toBe(0);
    expect(printed.stdout).toBe("20 70\r\nhé\r\n25 75\r\nxterm-256color hé\r\n");
  });

  test("ends at the end of its input", async () => {
    const command = sh("cat; exit 3", { terminal });
    const running = await processes.start(owner, "p", command, () => undefined);
    running.closeInput();
    expect(await running.ended).toBe(3);
  });

  test("killed gives 137", async () => {
    const running = await processes.start(
      owner,
      "p",
      plain(["sleep", "60"], { terminal }),
      () => undefined,
    );
    running.kill();
    expect(await running.ended).toBe(137);
  });
});

describe("a process that does not start", () => {
  const missing = "No such file or directory (os error 2)";
  test.each([
    [["/no/such/program"], {}, missing],
    [["no-such-program"], {}, missing],
    [["true"], { cwd: "/no/such/folder" }, missing],
    [["true"], { cwd: "/etc/passwd" }, "Not a directory (os error 20)"],
    [["/etc/passwd"], {}, "Permission denied (os error 13)"],
    [["echo", "a\0b"], {}, "nul byte found in provided data"],
  ])("%j in %j", async (command, more, message) => {
    const error = new ClientCommandError("notStarted", message);
    await expect(run(plain(command, more))).rejects.toEqual(error);
    if (command.join().includes("\0")) return;
    const onTerminal = { ...more, terminal: { rows: 1, cols: 1 } };
    await expect(run(plain(command, onTerminal))).rejects.toEqual(error);
    expect(processes.find(owner, "p")).toBeUndefined();
  });
});

describe("the table of processes", () => {
  test("an id is its owner's until the process has ended", async () => {
    const other = {};
    const mine = await processes.start(owner, "p", sh("sleep 60"), () => undefined);
    await processes.start(other, "p", sh("sleep 60"), () => undefined);
    expect(await processes.find(owner, "p")).toBe(mine);
    expect([processes.count(owner), processes.count(other)]).toEqual([1, 1]);
    mine.kill();
    expect(await mine.ended).toBe(137);
    expect([processes.find(owner, "p"), processes.count(owner)]).toEqual([undefined, 0]);
    expect(processes.count(other)).toBe(1);
    await processes.close();
    expect(processes.count(other)).toBe(0);
  });
});
