/** Ways around what is configured, for those who may not take the sandbox away. */
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { useHostBench } from "../helpers/host-bench.ts";
import { answer, say } from "../helpers/mock-model.ts";
import { escalatedCommand } from "../helpers/prompted-model.ts";
import { HostClient } from "../helpers/running-host.ts";
import type { Sent } from "../helpers/text-frames.ts";

const begin = useHostBench();

test("no key of a thread's own config takes back what is denied", async () => {
  const { homes, host, client } = await begin({
    top: 'default_permissions = "strict"',
    tables: () =>
      '\n[permissions.strict]\nextends = ":workspace"\n[permissions.strict.filesystem]\n"/srv/secret" = "deny"\n',
  });
  const operator = await HostClient.connectAs("operator", host, client);
  const denied = { path: { type: "path", path: "/srv/secret" }, access: "none" };
  for (const [who, config] of [
    [operator, { default_permissions: ":read-only" }],
    [operator, { sandbox_mode: "read-only" }],
    [client, { default_permissions: ":danger-full-access" }],
    [client, { sandbox_mode: "danger-full-access" }],
  ] as const) {
    const { permissionProfile } = await who.call("thread/start", { cwd: homes.cwd, config });
    expect(permissionProfile).toMatchObject({
      fileSystem: { entries: expect.arrayContaining([denied]) },
    });
  }
});

test("what was accepted for the session is asked about again under other permissions or another policy", async () => {
  const { homes, client, model } = await begin({
    top: 'approval_policy = "on-request"\nsandbox_mode = "workspace-write"',
  });
  const threadId = await client.startThread({ cwd: homes.cwd });
  const asks = (): readonly Sent[] =>
    client.sent.filter(({ method }) => method === "item/commandExecution/requestApproval");
  const wishes = [{}, {}, { sandboxPolicy: { type: "readOnly" } }, { approvalPolicy: "untrusted" }];
  const counts: number[] = [];
  for (const wish of wishes) {
    model.enqueue(answer(...escalatedCommand("true")), say("done"));
    const input = [{ type: "text", text: "go" }];
    const before = asks().length;
    const { turn } = await client.call("turn/start", { threadId, input, ...wish });
    const turnId = String(Object(turn).id);
    const seen = (sent: Sent): boolean =>
      asks().length > before ||
      (sent.method === "turn/completed" && Object(sent.params?.["turn"]).id === turnId);
    await client.until(seen);
    if (asks().length > before) client.answer(asks().at(-1)?.id, { decision: "acceptForSession" });
    await client.turnEnded(turnId);
    counts.push(asks().length - before);
  }
  expect(counts).toEqual([1, 0, 1, 1]);
});

describe("a folder that people's programs obey", () => {
  const workspace = { sandbox: "workspace-write" };

  test("is an operator's neither for threads nor for commands that write, and an admin's for both", async () => {
    const { homes, host, client } = await begin();
    const operator = await HostClient.connectAs("operator", host, client);
    const folders = ["/", homedir(), join(homedir(), ".ssh"), homes.codexHome, homes.root];
    const sandboxPolicy = { type: "workspaceWrite" };
    const threadId = await operator.startThread({ cwd: homes.cwd, ...workspace });
    for (const cwd of [...folders, join(homes.cwd, ".git/hooks")]) {
      for (const [method, params] of [
        ["thread/start", { cwd, ...workspace }],
        ["thread/start", { ...workspace, environments: [{ environmentId: "local", cwd }] }],
        ["turn/start", { threadId, cwd, input: [{ type: "text", text: "x" }] }],
        ["thread/settings/update", { threadId, cwd }],
      ] as const) {
        await expect(operator.call(method, params), `${method} in ${cwd}`).rejects.toThrow(
          /whose files decide what your programs do, needs the role admin/,
        );
      }
      await client.call("thread/start", { cwd, ...workspace });
      await operator.call("thread/start", { cwd, sandbox: "read-only" });
    }
    await expect(
      operator.call("command/exec", { command: ["true"], cwd: homedir(), sandboxPolicy }),
    ).rejects.toThrow(/needs the role admin|cannot be enforced/);
    await operator.call("thread/start", { cwd: join(homes.cwd, "project"), ...workspace });
  });
});
