import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Homes } from "../helpers/running-host.ts";
import { HostClient, startOn, stop, stopHosts, temporaryHomes } from "../helpers/running-host.ts";

import { needSandbox } from "../helpers/need-sandbox.ts";
import { withoutBubblewrap } from "../helpers/without-bubblewrap.ts";

afterEach(stopHosts);

async function bench(sandboxMode = "danger-full-access") {
  const homes = temporaryHomes(`sandbox_mode = "${sandboxMode}"\n`);
  const host = await startOn(homes);
  return { homes, host, admin: await HostClient.connect(homes) };
}

const deltas = (client: HostClient, processId: string) =>
  client.sent.filter(
    ({ method, params }) =>
      method === "command/exec/outputDelta" && params?.["processId"] === processId,
  );
const printed = (client: HostClient, processId: string): string =>
  deltas(client, processId)
    .map(({ params }) => Buffer.from(String(params?.["deltaBase64"]), "base64").toString())
    .join("");

/** Waits until the process has printed the text. */
const until = (client: HostClient, processId: string, text: string) =>
  client.until(() => printed(client, processId).includes(text));

/** One that has ended and was not collected yet does not run. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.trim().startsWith("Z");
}

/** Starts a process that does not end by itself; gives its number. */
async function endless(client: HostClient, processId: string): Promise<number> {
  const command = ["sh", "-c", "sleep 600 & echo pid $!; wait"];
  const params = { command, processId, streamStdoutStderr: true, disableTimeout: true };
  void client.call("command/exec", params).catch(() => undefined);
  await until(client, processId, "\n");
  return Number(printed(client, processId).slice("pid ".length));
}

describe("a command of a client's own", () => {
  test("is answered with its output, as text", async () => {
    const { admin, homes } = await bench();
    expect(
      await admin.call("command/exec", { command: ["sh", "-c", "pwd; echo err >&2; exit 3"] }),
    ).toEqual({ exitCode: 3, stdout: `${homes.cwd}\n`, stderr: "err\n" });
  });

  test("streams what it prints; the answer comes last", async () => {
    const { admin } = await bench();
    const answer = await admin.call("command/exec", {
      command: ["sh", "-c", "echo out; echo err >&2"],
      processId: "s",
      streamStdoutStderr: true,
    });
    expect(answer).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    const told = deltas(admin, "s").map(({ params }) => params);
    expect(told).toHaveLength(2);
    expect(told).toContainEqual({
      processId: "s",
      stream: "stdout",
      deltaBase64: "b3V0Cg==",
      capReached: false,
    });
    expect(admin.sent.at(-1)).toMatchObject({ result: answer });
  });

  test("runs on a terminal that is written to and resized", async () => {
    const { admin } = await bench();
    const script = "stty size; read line; stty size; echo got $line";
    const answer = admin.call("command/exec", {
      command: ["sh", "-c", script],
      processId: "t",
      tty: true,
      size: { rows: 20, cols: 70 },
    });
    await until(admin, "t", "20 70");
    await admin.call("command/exec/resize", { processId: "t", size: { rows: 25, cols: 75 } });
    const deltaBase64 = Buffer.from("hey\n").toString("base64");
    await admin.call("command/exec/write", { processId: "t", deltaBase64 });
    expect(await answer).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect(printed(admin, "t")).toContain("25 75\r\ngot hey\r\n");
  });

  test("has an id of its connection alone, free again once it has ended", async () => {
    const { admin, homes } = await bench();
    const other = await HostClient.connect(homes);
    await endless(admin, "p");
    const again = { command: ["true"], processId: "p" };
    await expect(admin.call("command/exec", again)).rejects.toThrow(
      '-32600 duplicate active command/exec process id: "p"',
    );
    await expect(other.call("command/exec/terminate", { processId: "p" })).rejects.toThrow(
      '-32600 no active command/exec for process id "p"',
    );
    expect(await other.call("command/exec", again)).toMatchObject({ exitCode: 0 });
    expect(await admin.call("command/exec/terminate", { processId: "p" })).toEqual({});
    await admin.until(({ result }) => Object(result).exitCode === 137);
    expect(await admin.call("command/exec", again)).toMatchObject({ exitCode: 0 });
  });

  test.each([
    ["its connection breaks", ({ admin }: { admin: HostClient }) => admin.drop()],
    ["the host stops", ({ host }: Awaited<ReturnType<typeof bench>>) => stop(host)],
  ])("is killed with its children when %s", async (_, end) => {
    const all = await bench();
    const pid = await endless(all.admin, "p");
    expect(isRunning(pid)).toBe(true);
    await end(all);
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 30_000 });
  });

  test("waits for a client that reads slowly, and nothing is left out", async () => {
    const { admin, homes } = await bench();
    const other = await HostClient.connect(homes);
    const size = 40_000_000;
    const answer = admin.call("command/exec", {
      command: ["sh", "-c", `echo $$ >&2; read line; exec head -c ${size} /dev/zero`],
      processId: "big",
      streamStdin: true,
      streamStdoutStderr: true,
      disableOutputCap: true,
      disableTimeout: true,
    });
    await until(admin, "big", "\n");
    const pid = Number(printed(admin, "big"));
    const before = deltas(admin, "big").length;
    const deltaBase64 = Buffer.from("go\n").toString("base64");
    await admin.call("command/exec/write", { processId: "big", deltaBase64 });
    admin.pause();
    for (let count = 0; count < 20; count++)
      await other.call("command/exec", { command: ["true"] });
    expect(isRunning(pid)).toBe(true);
    admin.resume();
    expect(await answer).toMatchObject({ exitCode: 0 });
    const bytes = deltas(admin, "big")
      .slice(before)
      .map(({ params }) => Buffer.from(String(params?.["deltaBase64"]), "base64").length);
    expect(bytes.reduce((sum, count) => sum + count, 0)).toBe(size);
  });

  test("that prints more than an answer can hold is ended and refused", async () => {
    const { admin } = await bench();
    const command = ["head", "-c", "5000000", "/dev/zero"];
    await expect(admin.call("command/exec", { command, disableOutputCap: true })).rejects.toThrow(
      /-32600 the command was ended: it wrote more than the 4 MiB/,
    );
  });

  test.each([
    [{ command: [] }, "-32600 command must not be empty"],
    [
      { command: ["true"], tty: true },
      "-32600 command/exec tty or streaming requires a client-supplied processId",
    ],
    [
      { command: ["true"], size: { rows: 1, cols: 1 } },
      "-32602 command/exec size requires tty: true",
    ],
    [
      { command: ["true"], outputBytesCap: 1, disableOutputCap: true },
      "-32602 command/exec cannot set both outputBytesCap and disableOutputCap",
    ],
    [
      { command: ["true"], timeoutMs: 1, disableTimeout: true },
      "-32602 command/exec cannot set both timeoutMs and disableTimeout",
    ],
    [
      { command: ["true"], timeoutMs: -5 },
      "-32602 command/exec timeoutMs must be non-negative, got -5",
    ],
    [
      { command: ["true"], sandboxPolicy: { type: "readOnly" }, permissionProfile: ":read-only" },
      "-32600 `permissionProfile` cannot be combined with `sandboxPolicy`",
    ],
    [
      { command: ["/no/such/program"] },
      "-32603 failed to spawn command: No such file or directory (os error 2)",
    ],
  ])("%j is refused", async (params, message) => {
    const { admin } = await bench();
    await expect(admin.call("command/exec", params)).rejects.toThrow(message);
  });
});

/** A repository with a changed and a new file. */
function repository({ cwd }: Homes): void {
  const git = (...words: string[]) =>
    spawnSync("git", ["-c", "user.name=x", "-c", "user.email=x@y", ...words], { cwd });
  git("init", "-q");
  writeFileSync(join(cwd, "a.txt"), "one\n");
  git("add", ".");
  git("commit", "-qm", "first");
  writeFileSync(join(cwd, "a.txt"), "two\n");
  writeFileSync(join(cwd, "new.txt"), "new\n");
}

const denying = `default_permissions = "work"
[permissions.work]
extends = ":workspace"
[permissions.work.filesystem.":project_roots"]
"**/*.env" = "deny"
`;

describe("who may run what", () => {
  const hello = { command: ["echo", "hello"] };

  test("without a sandbox an operator runs only git commands that read, as `/diff` does", async () => {
    withoutBubblewrap();
    const { admin, homes, host } = await bench("read-only");
    repository(homes);
    const operator = await HostClient.connectAs("operator", host, admin);
    await expect(operator.call("command/exec", hello)).rejects.toThrow(
      /-32600 the sandbox that .* cannot be enforced on this machine.*: bubblewrap is not installed\. To have one, install it.* Connect as an admin/,
    );
    const open = { ...hello, sandboxPolicy: { type: "dangerFullAccess" } };
    await expect(operator.call("command/exec", open)).rejects.toThrow(/needs the role admin/);

    const settings =
      "-c safe.bareRepository=explicit -c core.fsmonitor=false -c core.hooksPath=/dev/null";
    const options =
      "--no-textconv --no-ext-diff --submodule=short --ignore-submodules=dirty --color";
    const git = async (line: string): Promise<unknown> => {
      const command = `git ${settings} ${line}`.split(" ");
      const limits = { disableOutputCap: true, timeoutMs: 30_000, processId: null, env: null };
      return operator.call("command/exec", { command, cwd: homes.cwd, ...limits });
    };
    expect(await git("rev-parse --is-inside-work-tree")).toMatchObject({ stdout: "true\n" });
    expect(await git("config --null --get core.fsmonitor")).toMatchObject({ stdout: "false\0" });
    expect(await git(`diff ${options}`)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/-one[^]*\+.*two/),
    });
    expect(await git("ls-files --others --exclude-standard")).toMatchObject({
      stdout: "new.txt\n",
    });
    expect(await git(`diff ${options} --no-index -- /dev/null new.txt`)).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/\+.*new/),
    });
    await expect(
      git(`diff --no-index -- /dev/null ${join(homes.codexHome, "auth.json")}`),
    ).rejects.toThrow(/-32600 the command would show Farhelm's keys or logins/);
  });

  test("without a sandbox an admin runs anything, unless the call itself names a policy", async () => {
    withoutBubblewrap();
    const { admin } = await bench("workspace-write");
    expect(await admin.call("command/exec", hello)).toMatchObject({ stdout: "hello\n" });
    const confined = { ...hello, sandboxPolicy: { type: "readOnly" } };
    await expect(admin.call("command/exec", confined)).rejects.toThrow(/cannot be enforced/);
    const byProfile = { ...hello, permissionProfile: ":workspace" };
    await expect(admin.call("command/exec", byProfile)).rejects.toThrow(/cannot be enforced/);
  });

  test("with a sandbox everybody who may run commands runs them in it", async (context) => {
    await needSandbox(context);
    const { admin, homes, host } = await bench("read-only");
    const operator = await HostClient.connectAs("operator", host, admin);
    const script = `echo x > made || echo kept; cat ${homes.farhelmHome}/* || echo hidden`;
    const write = { command: ["sh", "-c", script], cwd: homes.cwd };
    for (const client of [admin, operator]) {
      const { stdout } = await client.call("command/exec", write);
      expect(stdout).toBe("kept\nhidden\n");
    }
    const byCall = { ...write, sandboxPolicy: { type: "workspaceWrite" } };
    expect(await operator.call("command/exec", byCall)).toMatchObject({ stdout: "hidden\n" });
    expect(existsSync(join(homes.cwd, "made"))).toBe(true);
    const more = { type: "workspaceWrite", networkAccess: true };
    for (const sandboxPolicy of [more, { type: "dangerFullAccess" }]) {
      const wish = { ...hello, sandboxPolicy };
      expect(await admin.call("command/exec", wish)).toMatchObject({ stdout: "hello\n" });
      await expect(operator.call("command/exec", wish)).rejects.toThrow(/needs? the role admin/);
    }
  });

  test("what config.toml denies stays denied, whatever the call says", async (context) => {
    await needSandbox(context);
    const { admin, homes } = await bench("read-only");
    writeFileSync(join(homes.cwd, "key.env"), "SECRET");
    writeFileSync(join(homes.codexHome, "config.toml"), denying);
    const command = ["sh", "-c", "cat key.env || echo denied"];
    for (const wish of [{}, { sandboxPolicy: { type: "dangerFullAccess" } }]) {
      const answer = await admin.call("command/exec", { command, cwd: homes.cwd, ...wish });
      expect(answer).toMatchObject({ stdout: "denied\n" });
    }
  });

  test("where config.toml takes the sandbox away an operator runs anything, an approver nothing", async () => {
    const { admin, host } = await bench("danger-full-access");
    const operator = await HostClient.connectAs("operator", host, admin);
    expect(await operator.call("command/exec", hello)).toMatchObject({ stdout: "hello\n" });
    const approver = await HostClient.connectAs("approver", host, admin);
    await expect(approver.call("command/exec", hello)).rejects.toThrow(
      /command\/exec needs the role operator/,
    );
  });
});
