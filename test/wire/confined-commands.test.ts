/** The agent's commands in the sandbox of this machine, in a real host. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { type HostBench, useHostBench } from "../helpers/host-bench.ts";
import { answer, functionCall, say } from "../helpers/mock-model.ts";
import { needSandbox } from "../helpers/need-sandbox.ts";
import { withoutBubblewrap } from "../helpers/without-bubblewrap.ts";

const begin = useHostBench();
const top = (policy: string, mode: string): string =>
  `approval_policy = "${policy}"\nsandbox_mode = "${mode}"`;

/** The homes of these tests lie in a temporary folder. */
const withoutTmp = (): string => `
[sandbox_workspace_write]
exclude_slash_tmp = true
exclude_tmpdir_env_var = true
`;

/** What the agent's call comes to: the item at its end, what the model was told, and what people were asked. */
async function runs({ model, client, homes }: HostBench, input: object, tool = "exec_command") {
  model.enqueue(answer(...functionCall(tool, input, "call_1")), say("done"));
  const threadId = await client.startThread({ cwd: homes.cwd });
  const turnId = await client.startTurn(threadId, "go");
  await client.turnEnded(turnId);
  const events = client.eventsOf(threadId);
  const told: unknown = model.requests.at(-1)?.body["input"];
  const outputs = Array.isArray(told) ? told.map(Object) : [];
  return {
    item: events.flatMap(({ method, params }) =>
      method === "item/completed" && Object(params?.["item"]).type === "commandExecution"
        ? [Object(params?.["item"])]
        : [],
    )[0],
    told: String(outputs.find(({ type }) => type === "function_call_output")?.output),
    asked: events.filter(({ method }) => method?.endsWith("/requestApproval")),
  };
}

/** Prints `name: yes` for each line of shell that works. */
const each = (lines: Readonly<Record<string, string>>): string =>
  Object.entries(lines)
    .map(
      ([name, line]) =>
        `if { ${line}; } >/dev/null 2>&1; then echo ${name}: yes; else echo ${name}: no; fi`,
    )
    .join("\n");

const outside = (bench: HostBench): string => join(bench.homes.root, "made");
const escalated = (bench: HostBench): object => ({
  cmd: `touch ${outside(bench)}`,
  sandbox_permissions: "require_escalated",
  justification: "a test wants it",
});
const denials = (): string => `
[permissions.work]
extends = ":workspace"
[permissions.work.filesystem.":project_roots"]
"**/*.env" = "deny"
`;

describe("with a sandbox", () => {
  beforeEach(needSandbox);

  test("a command of workspace-write does what the profile gives, unasked, and no more", async () => {
    const bench = await begin({ top: top("on-request", "workspace-write"), tables: withoutTmp });
    const { homes, host } = bench;
    execFileSync("git", ["init", "-q", homes.cwd]);
    writeFileSync(join(homes.codexHome, "auth.json"), "{}");
    const elsewhere = join(homes.root, "outside");
    mkdirSync(elsewhere);
    const cmd = each({
      inside: "echo x > made",
      git: "git status",
      hook: "echo x > .git/hooks/pre-commit",
      outside: `echo x > ${elsewhere}/made`,
      around: `ls ${homes.root}`,
      keys: `ls ${homes.farhelmHome}/*`,
      login: `cat ${homes.codexHome}/auth.json`,
      network: `exec 3<>/dev/tcp/127.0.0.1/${new URL(host.url).port}`,
      hostsProcess: `kill -0 ${process.pid}`,
      told: 'test "$CODEX_SANDBOX_NETWORK_DISABLED" = 1',
    });
    const { item, asked } = await runs(bench, { cmd, shell: "bash" });
    expect(item.aggregatedOutput).toBe(
      "inside: yes\ngit: yes\nhook: no\noutside: no\naround: yes\nkeys: no\nlogin: no\nnetwork: no\nhostsProcess: no\ntold: yes\n",
    );
    expect(asked).toEqual([]);
    expect([existsSync(join(homes.cwd, "made")), existsSync(join(elsewhere, "made"))]).toEqual([
      true,
      false,
    ]);
  });

  test.each([false, true])("a read-only one writes nothing, on a terminal %s", async (tty) => {
    const bench = await begin({ top: top("never", "read-only") });
    const { item, told, asked } = await runs(bench, { cmd: "sleep 0.3; touch made", tty });
    expect(item).toMatchObject({ status: "failed", exitCode: 1 });
    expect(told).toMatch(/exited with code 1[^]*Read-only file system/);
    expect([asked, existsSync(join(bench.homes.cwd, "made"))]).toEqual([[], false]);
  });

  test("one that asks to leave it is refused under never, and runs outside once a person agrees", async () => {
    const never = await begin({ top: top("never", "workspace-write") });
    expect((await runs(never, escalated(never))).told).toMatch(/approval policy is Never/);
    expect(existsSync(outside(never))).toBe(false);
    const bench = await begin({ top: top("on-request", "workspace-write") });
    void bench.client
      .until(({ method }) => method === "item/commandExecution/requestApproval")
      .then(({ id }) => bench.client.answer(id, { decision: "accept" }));
    const { item, asked } = await runs(bench, escalated(bench));
    expect([item.exitCode, asked.length, existsSync(outside(bench))]).toEqual([0, 1, true]);
  });

  test("what is denied is denied to commands, patches and pictures alike", async () => {
    const denying = {
      top: 'approval_policy = "on-request"\ndefault_permissions = "work"',
      tables: denials,
    };
    const bench = await begin(denying);
    const file = join(bench.homes.cwd, "deep");
    mkdirSync(file);
    writeFileSync(join(file, "a.env"), "SECRET=1\n");
    const { item } = await runs(bench, { cmd: "cat deep/a.env; ls deep; cat deep/*" });
    expect(item.aggregatedOutput).not.toContain("SECRET");
    const patch = "*** Begin Patch\n*** Update File: deep/a.env\n@@\n-SECRET=2\n+x\n*** End Patch";
    for (const [tool, input] of [
      ["exec_command", { cmd: `apply_patch <<'E'\n${patch}\nE` }],
      ["view_image", { path: "deep/a.env" }],
    ] as const) {
      const { told } = await runs(bench, input, tool);
      expect(told).toMatch(/a\.env`? may not be read: the permissions deny it/);
    }
  });

  test("where the owner says so each command has a /tmp of its own, with the thread's folder in it", async () => {
    const bench = await begin({
      top: top("never", "workspace-write"),
      farhelmToml: "[sandbox]\nprivate_tmp = true\n",
    });
    const mark = `/tmp/farhelm-mark-${process.pid}`;
    for (const _ of ["once", "again"]) {
      const { item } = await runs(bench, {
        cmd: `ls ${mark}; touch ${mark} made && ls /tmp | wc -l; ls made`,
      });
      expect(item.aggregatedOutput).toMatch(/No such file[^]*\n2\nmade\n$/);
    }
    expect([existsSync(mark), existsSync(join(bench.homes.cwd, "made"))]).toEqual([false, true]);
  });

  test("an interrupted turn ends what the sandbox holds", async () => {
    const bench = await begin({ top: top("never", "workspace-write") });
    const { model, client, homes } = bench;
    const cmd = "echo up; (while :; do date +%s%N > beat; sleep 0.05; done) & wait";
    model.enqueue(answer(...functionCall("exec_command", { cmd })));
    const threadId = await client.startThread({ cwd: homes.cwd });
    const turnId = await client.startTurn(threadId, "go");
    await client.until(({ method }) => method === "item/commandExecution/outputDelta");
    await client.call("turn/interrupt", { threadId, turnId });
    await client.turnEnded(turnId);
    const { data } = await client.call("thread/backgroundTerminals/list", { threadId });
    expect(data).toEqual([]);
  });
});

test("without one every command asks, with the reason, and never refuses it", async () => {
  withoutBubblewrap();
  const never = await begin({ top: top("never", "workspace-write") });
  expect((await runs(never, { cmd: "touch made" })).told).toMatch(
    /no sandbox to confine it: bubblewrap is not installed.*install it/,
  );
  const bench = await begin({ top: top("on-request", "workspace-write") });
  const asked = bench.client.until(({ method }) => method?.endsWith("/requestApproval") ?? false);
  void asked.then(({ id }) => bench.client.answer(id, { decision: "decline" }));
  await runs(bench, { cmd: "touch made" });
  expect((await asked).params?.["reason"]).toMatch(/runs with your own rights: bubblewrap/);
  for (const { homes } of [never, bench]) expect(existsSync(join(homes.cwd, "made"))).toBe(false);
});
