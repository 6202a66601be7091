/** The agent asks for more than its permissions, over real sockets: what is asked, what is given, and how long it lasts. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { auditLines } from "../helpers/audit-lines.ts";
import type { HostBench } from "../helpers/host-bench.ts";
import { useHostBench } from "../helpers/host-bench.ts";
import type { MockReply } from "../helpers/mock-model.ts";
import { answer, functionCall, say } from "../helpers/mock-model.ts";
import { HostClient } from "../helpers/running-host.ts";
import { needSandbox } from "../helpers/need-sandbox.ts";
import type { Sent } from "../helpers/text-frames.ts";

const settings = 'approval_policy = "on-request"\nsandbox_mode = "workspace-write"';
const workspace = `
[sandbox_workspace_write]
exclude_slash_tmp = true
exclude_tmpdir_env_var = true
`;
const features = `
[features]
request_permissions_tool = true
exec_permission_approvals = true
`;
const bench = useHostBench({ top: settings, tables: () => workspace + features });

/** A question that would allow nothing new. */
const kept = { sandbox: "kept", network: false, proxied: false, hosts: [], read: [], write: [] };

const asks = "item/permissions/requestApproval";
const isAsk = ({ method }: Sent): boolean => method === asks;
const isPatchAsk = ({ method }: Sent): boolean => method === "item/fileChange/requestApproval";

const request = (permissions: object, callId: string, more: object = {}): MockReply =>
  answer(...functionCall("request_permissions", { permissions, ...more }, callId));
const patch = (file: string): MockReply =>
  answer(
    ...functionCall("exec_command", {
      cmd: `apply_patch <<'E'\n*** Begin Patch\n*** Add File: ${file}\n+x\n*** End Patch\nE`,
    }),
  );

/** A thread that may write in its folder, beside a folder `out` that it may not. */
async function open(options: Parameters<typeof bench>[0] = {}) {
  const opened = await bench(options);
  const out = join(realpathSync(opened.homes.root), "out");
  mkdirSync(out);
  const threadId = await opened.client.startThread({ cwd: opened.homes.cwd });
  return { ...opened, out, threadId };
}

/** What the model was told last for a call. */
function toldOf({ model }: HostBench, callId: string): string {
  const input: unknown[] = model.requests
    .flatMap(({ body }): unknown[] => (Array.isArray(body["input"]) ? body["input"] : []))
    .toReversed();
  const output = input.find(
    (item) => Object(item)["call_id"] === callId && "output" in Object(item),
  );
  return String(Object(output)["output"]);
}

/** The `nth` question of this kind, counted from 1. */
const asked = (client: HostClient, nth: number, matches = isAsk): Promise<Sent> =>
  client.until((sent) => matches(sent) && client.sent.filter(matches).indexOf(sent) === nth - 1);

/** A turn in which the model asks for `permissions` and somebody answers. */
async function granted(
  opened: HostBench & { readonly threadId: string },
  permissions: object,
  answerOf: (params: Readonly<Record<string, unknown>>) => object,
): Promise<string> {
  const { model, client, threadId } = opened;
  const nth = client.sent.filter(isAsk).length + 1;
  const callId = `ask${nth}`;
  model.enqueue(request(permissions, callId), say("done"));
  const turnId = await client.startTurn(threadId, "ask");
  const question = await asked(client, nth);
  const given = answerOf(question.params ?? {});
  const frame = "error" in given ? given : { result: given };
  client.sendText(JSON.stringify({ id: question.id, ...frame }));
  await client.turnEnded(turnId);
  return toldOf(opened, callId);
}

const everything =
  (scope: string) =>
  ({ permissions }: Readonly<Record<string, unknown>>): object => ({ permissions, scope });

const writing = (path: string) => ({ file_system: { write: [path] } });
const outcome = (path: string, scope: string): string =>
  `{"permissions":{"network":null,"file_system":{"write":["${path}"]}},"scope":"${scope}"}`;
const nothingGiven = '{"permissions":{"network":null,"file_system":null},"scope":"turn"}';

describe("request_permissions", () => {
  test("is asked as it was meant, with what it would allow anew, and the answer is told to the model", async () => {
    const opened = await open();
    const { model, client, threadId, homes, out } = opened;
    model.enqueue(
      request({ network: { enabled: true }, ...writing("../out") }, "c1", { reason: "to build" }),
      say("done"),
    );
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isAsk);
    const entry = { path: { type: "path", path: join(homes.root, "out") }, access: "write" };
    expect(question.params).toEqual({
      threadId,
      turnId,
      itemId: "c1",
      startedAtMs: expect.any(Number),
      environmentId: "local",
      cwd: homes.cwd,
      reason: "to build",
      permissions: {
        network: { enabled: true },
        fileSystem: { read: null, write: [join(homes.root, "out")], entries: [entry] },
      },
    });
    expect(question.gains).toEqual({ ...kept, network: true, write: [out] });
    client.answer(question.id, { permissions: { network: { enabled: true } }, scope: "session" });
    await client.turnEnded(turnId);
    expect(toldOf(opened, "c1")).toBe(
      '{"permissions":{"network":{"enabled":true},"file_system":null},"scope":"session"}',
    );
    const names = client.eventsOf(threadId).map(({ method }) => method);
    const from = names.indexOf(asks);
    expect(names.slice(from - 1, from + 3)).toEqual([
      "thread/status/changed",
      asks,
      "serverRequest/resolved",
      "thread/status/changed",
    ]);
  });

  test("for the turn lets its patches through, and ends with it", async () => {
    const opened = await open();
    const { model, client, threadId, out } = opened;
    model.enqueue(request(writing(out), "c1"), patch(`${out}/one`), say("done"));
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isAsk);
    client.answer(question.id, everything("turn")(question.params ?? {}));
    await client.turnEnded(turnId);
    expect(toldOf(opened, "c1")).toBe(outcome(out, "turn"));
    expect([existsSync(`${out}/one`), client.sent.some(isPatchAsk)]).toEqual([true, false]);

    model.enqueue(patch(`${out}/two`), say("done"));
    const next = await client.startTurn(threadId, "again");
    const patching = await client.until(isPatchAsk);
    expect(patching.gains).toEqual({ ...kept, write: [`${out}/two`] });
    client.answer(patching.id, { decision: "decline" });
    await client.turnEnded(next);
  });

  test("for the session lasts until somebody chooses other permissions, also those of before", async () => {
    const opened = await open();
    const { model, client, threadId, out } = opened;
    expect(await granted(opened, writing(out), everything("session"))).toBe(
      outcome(out, "session"),
    );
    model.enqueue(patch(`${out}/one`), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "again"));
    expect([existsSync(`${out}/one`), client.sent.some(isPatchAsk)]).toEqual([true, false]);

    const before = { type: "workspaceWrite", excludeSlashTmp: true, excludeTmpdirEnvVar: true };
    for (const sandboxPolicy of [{ type: "readOnly" }, before])
      await client.call("thread/settings/update", { threadId, sandboxPolicy });
    model.enqueue(patch(`${out}/two`), say("done"));
    const next = await client.startTurn(threadId, "and again");
    client.answer((await client.until(isPatchAsk)).id, { decision: "decline" });
    await client.turnEnded(next);
    expect(existsSync(`${out}/two`)).toBe(false);
  });

  test("gives nothing for an answer that goes beyond it, declines, errs, or makes no sense", async () => {
    const opened = await open();
    const { out } = opened;
    const nothingFor = { ...JSON.parse(nothingGiven), scope: "session" };
    for (const [given, told] of [
      [{ permissions: { fileSystem: { write: ["/"] } }, scope: "session" }, nothingFor],
      [{ permissions: {}, scope: "turn" }, JSON.parse(nothingGiven)],
      [{ permissions: { network: { enabled: true } }, scope: "turn" }, JSON.parse(nothingGiven)],
      [{ permissions: {}, scope: "for ever" }, JSON.parse(nothingGiven)],
      [{ decision: "accept" }, JSON.parse(nothingGiven)],
      [{ error: { code: 1, message: "no" } }, JSON.parse(nothingGiven)],
    ] as const)
      expect(JSON.parse(await granted(opened, writing(out), () => given))).toEqual(told);
  });

  test("is asked of nobody where the policy says so, or the profile denies it", async () => {
    const opened = await open({
      top: 'approval_policy = "on-request"\ndefault_permissions = "dev"',
      tables: () => `${features}
[permissions.dev]
extends = ":workspace"
[permissions.dev.filesystem]
"/srv/secret" = "deny"
`,
    });
    const { model, client, threadId, out } = opened;
    model.enqueue(request(writing("/srv/secret/key"), "c1"), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "go"));
    expect(toldOf(opened, "c1")).toContain("the permissions of this thread deny all of that");

    model.enqueue(request(writing(out), "c2"), say("done"));
    await client.call("thread/settings/update", { threadId, approvalPolicy: "never" });
    await client.turnEnded(await client.startTurn(threadId, "go"));
    expect(toldOf(opened, "c2")).toBe(nothingGiven);
    expect(client.sent.some(isAsk)).toBe(false);
  });

  test("never goes past what the machine's owner demands, and says who that is", async () => {
    const first = await open({ top: 'approval_policy = "on-request"' });
    const file = join(first.homes.root, "etc/requirements.toml");
    mkdirSync(join(first.homes.root, "etc"), { recursive: true });
    writeFileSync(file, 'allowed_sandbox_modes = ["read-only"]\n');
    const { model, client, threadId, out } = first;
    model.enqueue(request(writing(out), "c1"), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "go"));
    expect(toldOf(first, "c1")).toContain(`is not in the allowed set [ReadOnly] (set by ${file})`);
    expect(client.sent.some(isAsk)).toBe(false);
  });

  test("grants where a link led when it was asked, and nothing once it leads elsewhere", async () => {
    const opened = await open();
    const { model, client, threadId, homes, out } = opened;
    const [link, elsewhere] = [join(homes.cwd, "link"), join(homes.root, "elsewhere")];
    mkdirSync(elsewhere);
    symlinkSync(out, link);
    model.enqueue(request(writing(link), "c1"), patch(`${elsewhere}/x`), say("done"));
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isAsk);
    expect(question.gains).toMatchObject({ write: [out] });
    rmSync(link);
    symlinkSync(elsewhere, link);
    client.answer(question.id, everything("turn")(question.params ?? {}));
    client.answer((await client.until(isPatchAsk)).id, { decision: "decline" });
    await client.turnEnded(turnId);
    expect(existsSync(`${elsewhere}/x`)).toBe(false);
  });

  test("with a review asks about everything that the turn still does", async () => {
    const opened = await open();
    const { model, client, threadId, homes, out } = opened;
    model.enqueue(request(writing(out), "c1"), patch(`${homes.cwd}/inside`), say("done"));
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isAsk);
    const answered = { ...everything("turn")(question.params ?? {}), strictAutoReview: true };
    client.answer(question.id, answered);
    client.answer((await client.until(isPatchAsk)).id, { decision: "decline" });
    await client.turnEnded(turnId);
    expect(toldOf(opened, "c1")).toBe(
      outcome(out, "turn").replace(/}$/, ',"strict_auto_review":true}'),
    );
    expect(existsSync(`${homes.cwd}/inside`)).toBe(false);
  });

  test("waits for whoever comes back, is no viewer's to answer, and is written down", async () => {
    const opened = await open();
    const { model, client, host, homes, threadId, out } = opened;
    model.enqueue(request(writing(out), "c1"), say("done"));
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isAsk);
    const viewer = await HostClient.connectAs("viewer", host, client);
    await viewer.call("thread/resume", { threadId });
    viewer.answer(question.id, everything("session")(question.params ?? {}));
    const late = await HostClient.connectAs("approver", host, client);
    const inbox = await late.call("approval/inbox");
    expect(inbox["data"]).toMatchObject([
      { method: asks, params: question.params, gains: question.gains },
    ]);
    await late.call("thread/resume", { threadId });
    const again = await late.until(isAsk);
    expect([again.id, again.params, again.gains]).toEqual([
      question.id,
      question.params,
      question.gains,
    ]);
    expect(viewer.sent.some(isAsk)).toBe(false);
    late.answer(again.id, everything("session")(again.params ?? {}));
    const resolved = await client.until(({ method }) => method === "serverRequest/resolved");
    expect(Object(resolved.params)["answer"]).toMatchObject({
      by: { name: "approver" },
      decision: "grantForSession",
    });
    await client.turnEnded(turnId);
    expect(toldOf(opened, "c1")).toBe(outcome(out, "session"));
    const lines = auditLines(homes.farhelmHome).filter(({ act }) => act === "approval.answer");
    expect(lines).toMatchObject([
      { outcome: "denied", code: "not_asked", about: { request: asks, threadId } },
      { outcome: "done", about: { request: asks, threadId, decision: "grantForSession" } },
    ]);
  });

  test("is withdrawn with the turn, and grants nothing", async () => {
    const opened = await open();
    const { model, client, threadId, out } = opened;
    model.enqueue(request(writing(out), "c1"));
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isAsk);
    await client.call("turn/interrupt", { threadId, turnId });
    const resolved = await client.until(({ method }) => method === "serverRequest/resolved");
    expect(resolved.params).toEqual({ threadId, requestId: question.id });
  });

  test("is offered, and may be called, only where the feature is on", async () => {
    const opened = await open({ tables: () => workspace });
    const { model, client, threadId, out } = opened;
    model.enqueue(request(writing(out), "c1"), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "go"));
    expect(toldOf(opened, "c1")).toBe("unsupported call: request_permissions");
    expect(JSON.stringify(model.requests[0]?.body["tools"])).not.toContain("request_permissions");
    const cmd = { cmd: "true", additional_permissions: writing(out) };
    model.enqueue(answer(...functionCall("exec_command", cmd, "c2")), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "go"));
    expect(toldOf(opened, "c2")).toContain("additional permissions are disabled");
  });

  test.each([
    [{}, "missing field `permissions`"],
    [{ permissions: {} }, "request_permissions requires at least one permission"],
    [{ permissions: { file_system: { write: [] } } }, "requires at least one permission"],
    [{ permissions: { macos: {} } }, "unknown field `macos`"],
    [{ permissions: { network: true } }, "`network` must be an object"],
    [{ permissions: { file_system: { write: [7] } } }, "a path must be a text"],
    [
      { permissions: { network: { enabled: true } }, environment_id: "far" },
      "unknown turn environment id `far`",
    ],
  ])("written as %j is told what is wrong with it", async (args, sentence) => {
    const opened = await open();
    const { model, client, threadId } = opened;
    model.enqueue(answer(...functionCall("request_permissions", args, "c1")), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "go"));
    expect(toldOf(opened, "c1")).toContain(sentence);
    expect(client.sent.some(isAsk)).toBe(false);
  });
});

const isRunAsk = ({ method }: Sent): boolean => method === "item/commandExecution/requestApproval";
const wide = (path: string, callId: string): MockReply =>
  answer(
    ...functionCall(
      "exec_command",
      {
        cmd: `echo made > ${path}/made`,
        sandbox_permissions: "with_additional_permissions",
        additional_permissions: writing(path),
      },
      callId,
    ),
  );

describe("commands after a grant", () => {
  beforeEach(needSandbox);
  const shell = (cmd: string, callId: string): MockReply =>
    answer(...functionCall("exec_command", { cmd }, callId));

  test("write where it says until the turn ends, and nowhere else", async () => {
    const opened = await open();
    const { model, client, threadId, out, homes } = opened;
    const beside = join(homes.root, "beside");
    mkdirSync(beside);
    model.enqueue(
      shell(`echo a > ${out}/before`, "x1"),
      request(writing(out), "c1"),
      shell(`echo b > ${out}/made; echo c > ${beside}/made`, "x2"),
      say("done"),
    );
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isAsk);
    client.answer(question.id, everything("turn")(question.params ?? {}));
    await client.turnEnded(turnId);
    model.enqueue(shell(`echo d > ${out}/after`, "x3"), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "again"));
    const files = [`${out}/before`, `${out}/made`, `${beside}/made`, `${out}/after`];
    expect(files.map((file) => existsSync(file))).toEqual([false, true, false, false]);
  });

  test("do not get what the profile denies below what was granted", async () => {
    const opened = await open({
      top: 'approval_policy = "on-request"\ndefault_permissions = "dev"',
      tables: () => `${features}
[permissions.dev]
extends = ":workspace"
[permissions.dev.filesystem.":project_roots"]
"**/*.key" = "deny"
".git" = "read"
`,
    });
    const { model, client, threadId, homes } = opened;
    writeFileSync(join(homes.cwd, "a.key"), "SECRET");
    model.enqueue(
      request({ file_system: { write: [homes.cwd, join(homes.cwd, "a.key")] } }, "c1"),
      shell("cat a.key; echo x > a.key; echo y > made", "x1"),
      say("done"),
    );
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isAsk);
    expect(Object(question.params)["permissions"]).toMatchObject({
      fileSystem: { write: [homes.cwd] },
    });
    client.answer(question.id, everything("turn")(question.params ?? {}));
    await client.turnEnded(turnId);
    expect(toldOf(opened, "x1")).not.toContain("SECRET");
    expect(readFileSync(join(homes.cwd, "a.key"), "utf8")).toBe("SECRET");
    expect(existsSync(join(homes.cwd, "made"))).toBe(true);
  });

  test("that asked for more themselves get it once, inside of the sandbox", async () => {
    const opened = await open();
    const { model, client, threadId, out, homes } = opened;
    const cmd = `echo a > ${out}/made; echo b > ${homes.root}/elsewhere`;
    const wish = { additional_permissions: writing(out) };
    model.enqueue(
      answer(...functionCall("exec_command", { cmd, ...wish }, "x1")),
      shell(`echo c > ${out}/again`, "x2"),
      say("done"),
    );
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isRunAsk);
    expect(question.gains).toEqual({ ...kept, write: [out] });
    client.answer(question.id, { decision: "accept" });
    await client.turnEnded(turnId);
    const files = [`${out}/made`, `${homes.root}/elsewhere`, `${out}/again`];
    expect(files.map((file) => existsSync(file))).toEqual([true, false, false]);
  });
});

describe("a command that asks for more", () => {
  test("says so in its question, and an acceptance for the session is of this wish alone", async () => {
    const opened = await open();
    const { model, client, threadId, out } = opened;
    model.enqueue(wide(out, "c1"), wide(out, "c2"), say("done"));
    const turnId = await client.startTurn(threadId, "go");
    const question = await asked(client, 1, isRunAsk);
    expect(question.params).toMatchObject({
      additionalPermissions: {
        network: null,
        fileSystem: {
          read: null,
          write: [out],
          entries: [{ path: { type: "path", path: out }, access: "write" }],
        },
      },
      availableDecisions: ["accept", "cancel"],
    });
    client.answer(question.id, { decision: "acceptForSession" });
    await client.turnEnded(turnId);
    expect(existsSync(`${out}/made`)).toBe(true);
    expect(client.sent.filter(isRunAsk).length).toBe(1);
  });

  test("is refused where nobody may be asked", async () => {
    const opened = await open();
    const { model, client, threadId, out } = opened;
    await client.call("thread/settings/update", { threadId, approvalPolicy: "never" });
    model.enqueue(wide(out, "c1"), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "go"));
    expect(toldOf(opened, "c1")).toContain("you cannot ask for escalated permissions");
    expect(existsSync(`${out}/made`)).toBe(false);
  });

  test.each([
    [{ additional_permissions: {} }, "must include at least one requested permission"],
    [{ sandbox_permissions: "with_additional_permissions" }, "missing `additional_permissions`"],
    [
      {
        sandbox_permissions: "require_escalated",
        additional_permissions: { network: { enabled: true } },
      },
      "`additional_permissions` requires `sandbox_permissions`",
    ],
  ])("written as %j is told what is wrong with it", async (more, sentence) => {
    const opened = await open();
    const { model, client, threadId } = opened;
    const args = { cmd: "true", ...more };
    model.enqueue(answer(...functionCall("exec_command", args, "c1")), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "go"));
    expect(toldOf(opened, "c1")).toContain(sentence);
  });
});
