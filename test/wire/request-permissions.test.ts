/** The agent asks for more than its permissions, over real sockets: what is asked, what is given, and how long it lasts. */
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  everything,
  isPermissionsAsk,
  permissionFeatures,
  permissionsCall,
  toldOf,
  useAskingThread,
  workspaceTable,
  writing,
} from "../helpers/asking-thread.ts";
import { keptGains } from "../helpers/kept-gains.ts";
import { auditLines } from "../helpers/audit-lines.ts";
import type { HostBench } from "../helpers/host-bench.ts";
import type { MockReply } from "../helpers/mock-model.ts";
import { answer, functionCall, say } from "../helpers/mock-model.ts";
import { HostClient } from "../helpers/running-host.ts";
import type { Sent } from "../helpers/text-frames.ts";

const open = useAskingThread();

const asks = "item/permissions/requestApproval";
const isPatchAsk = ({ method }: Sent): boolean => method === "item/fileChange/requestApproval";

const patch = (file: string): MockReply =>
  answer(
    ...functionCall("exec_command", {
      cmd: `apply_patch <<'E'\n*** Begin Patch\n*** Add File: ${file}\n+x\n*** End Patch\nE`,
    }),
  );

/** The `nth` question of this kind, counted from 1. */
const asked = (client: HostClient, nth: number, matches = isPermissionsAsk): Promise<Sent> =>
  client.until((sent) => matches(sent) && client.sent.filter(matches).indexOf(sent) === nth - 1);

/** A turn in which the model asks for `permissions` and somebody answers. */
async function granted(
  opened: HostBench & { readonly threadId: string },
  permissions: object,
  answerOf: (params: Readonly<Record<string, unknown>>) => object,
): Promise<string> {
  const { model, client, threadId } = opened;
  const nth = client.sent.filter(isPermissionsAsk).length + 1;
  const callId = `ask${nth}`;
  model.enqueue(permissionsCall(permissions, callId), say("done"));
  const turnId = await client.startTurn(threadId, "ask");
  const question = await asked(client, nth);
  const given = answerOf(question.params ?? {});
  const frame = "error" in given ? given : { result: given };
  client.sendText(JSON.stringify({ id: question.id, ...frame }));
  await client.turnEnded(turnId);
  return toldOf(opened, callId);
}

const outcome = (path: string, scope: string): string =>
  `{"permissions":{"network":null,"file_system":{"write":["${path}"]}},"scope":"${scope}"}`;
const nothingGiven = '{"permissions":{"network":null,"file_system":null},"scope":"turn"}';

describe("request_permissions", () => {
  test("is asked as it was meant, with what it would allow anew, and the answer is told to the model", async () => {
    const opened = await open();
    const { model, client, threadId, homes, out } = opened;
    model.enqueue(
      permissionsCall({ network: { enabled: true }, ...writing("../out") }, "c1", {
        reason: "to build",
      }),
      say("done"),
    );
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isPermissionsAsk);
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
    expect(question.gains).toEqual({ ...keptGains, network: true, write: [out] });
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
    model.enqueue(permissionsCall(writing(out), "c1"), patch(`${out}/one`), say("done"));
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isPermissionsAsk);
    client.answer(question.id, everything("turn")(question.params ?? {}));
    await client.turnEnded(turnId);
    expect(toldOf(opened, "c1")).toBe(outcome(out, "turn"));
    expect([existsSync(`${out}/one`), client.sent.some(isPatchAsk)]).toEqual([true, false]);

    model.enqueue(patch(`${out}/two`), say("done"));
    const next = await client.startTurn(threadId, "again");
    const patching = await client.until(isPatchAsk);
    expect(patching.gains).toEqual({ ...keptGains, write: [`${out}/two`] });
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
      tables: () => `${permissionFeatures}
[permissions.dev]
extends = ":workspace"
[permissions.dev.filesystem]
"/srv/secret" = "deny"
`,
    });
    const { model, client, threadId, out } = opened;
    model.enqueue(permissionsCall(writing("/srv/secret/key"), "c1"), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "go"));
    expect(toldOf(opened, "c1")).toContain("the permissions of this thread deny all of that");

    model.enqueue(permissionsCall(writing(out), "c2"), say("done"));
    await client.call("thread/settings/update", { threadId, approvalPolicy: "never" });
    await client.turnEnded(await client.startTurn(threadId, "go"));
    expect(toldOf(opened, "c2")).toBe(nothingGiven);
    expect(client.sent.some(isPermissionsAsk)).toBe(false);
  });

  test("never goes past what the machine's owner demands, and says who that is", async () => {
    const first = await open({ top: 'approval_policy = "on-request"' });
    const file = join(first.homes.root, "etc/requirements.toml");
    mkdirSync(join(first.homes.root, "etc"), { recursive: true });
    writeFileSync(file, 'allowed_sandbox_modes = ["read-only"]\n');
    const { model, client, threadId, out } = first;
    model.enqueue(permissionsCall(writing(out), "c1"), say("done"));
    await client.turnEnded(await client.startTurn(threadId, "go"));
    expect(toldOf(first, "c1")).toContain(`is not in the allowed set [ReadOnly] (set by ${file})`);
    expect(client.sent.some(isPermissionsAsk)).toBe(false);
  });

  test("grants where a link led when it was asked, and nothing once it leads elsewhere", async () => {
    const opened = await open();
    const { model, client, threadId, homes, out } = opened;
    const [link, elsewhere] = [join(homes.cwd, "link"), join(homes.root, "elsewhere")];
    mkdirSync(elsewhere);
    symlinkSync(out, link);
    model.enqueue(permissionsCall(writing(link), "c1"), patch(`${elsewhere}/x`), say("done"));
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isPermissionsAsk);
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
    model.enqueue(permissionsCall(writing(out), "c1"), patch(`${homes.cwd}/inside`), say("done"));
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isPermissionsAsk);
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
    model.enqueue(permissionsCall(writing(out), "c1"), say("done"));
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isPermissionsAsk);
    const viewer = await HostClient.connectAs("viewer", host, client);
    await viewer.call("thread/resume", { threadId });
    viewer.answer(question.id, everything("session")(question.params ?? {}));
    const late = await HostClient.connectAs("approver", host, client);
    const inbox = await late.call("approval/inbox");
    expect(inbox["data"]).toMatchObject([
      { method: asks, params: question.params, gains: question.gains },
    ]);
    await late.call("thread/resume", { threadId });
    const again = await late.until(isPermissionsAsk);
    expect([again.id, again.params, again.gains]).toEqual([
      question.id,
      question.params,
      question.gains,
    ]);
    expect(viewer.sent.some(isPermissionsAsk)).toBe(false);
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
    model.enqueue(permissionsCall(writing(out), "c1"));
    const turnId = await client.startTurn(threadId, "go");
    const question = await client.until(isPermissionsAsk);
    await client.call("turn/interrupt", { threadId, turnId });
    const resolved = await client.until(({ method }) => method === "serverRequest/resolved");
    expect(resolved.params).toEqual({ threadId, requestId: question.id });
  });

  test("is offered, and may be called, only where the feature is on", async () => {
    const opened = await open({ tables: () => workspaceTable });
    const { model, client, threadId, out } = opened;
    model.enqueue(permissionsCall(writing(out), "c1"), say("done"));
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
    expect(client.sent.some(isPermissionsAsk)).toBe(false);
  });
});
