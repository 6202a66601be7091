import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { useHostBench } from "../helpers/host-bench.ts";
import { functionCall, answer, say } from "../helpers/mock-model.ts";
import { HostClient } from "../helpers/running-host.ts";

const bench = useHostBench({
  top: 'approval_policy = "on-request"\ndefault_permissions = "dev"',
  tables: () => `
[permissions.dev]
description = "for work"
extends = ":workspace"
[permissions.dev.filesystem]
glob_scan_max_depth = 4
"/srv/secret" = "deny"
[permissions.dev.filesystem.":project_roots"]
"**/*.env" = "deny"
[permissions.broken]
extends = "nobody"
`,
});

const denied = (cwd: string) => [
  { path: { type: "glob_pattern", pattern: `${cwd}/**/*.env` }, access: "none" },
  { path: { type: "path", path: "/srv/secret" }, access: "none" },
];
const readOnly = {
  type: "managed",
  fileSystem: {
    type: "restricted",
    entries: [{ path: { type: "special", value: { kind: "root" } }, access: "read" }],
  },
  network: { enabled: false },
};

describe("the permissions of a thread", () => {
  test("come from the profile that config.toml names, and are told as profile, name and older policy", async () => {
    const { client, homes } = await bench();
    const { cwd } = homes;
    const started = await client.call("thread/start", { cwd });
    expect(started).toMatchObject({
      activePermissionProfile: { id: "dev", extends: ":workspace" },
      sandbox: { type: "workspaceWrite", writableRoots: [], networkAccess: false },
      permissionProfile: {
        type: "managed",
        fileSystem: { entries: expect.arrayContaining(denied(cwd)), globScanMaxDepth: 4 },
      },
    });
  });

  test.each([
    ["sandbox", { sandbox: "danger-full-access" }],
    ["a profile spelled out", { permissionProfile: { type: "disabled" } }],
    ["a built-in profile", { permissions: ":danger-full-access" }],
    [
      "an external sandbox",
      { permissionProfile: { type: "external", network: { enabled: true } } },
    ],
  ])("keep what is denied when %s takes their place", async (_what, wish) => {
    const { client, homes } = await bench();
    const { cwd } = homes;
    const { permissionProfile } = await client.call("thread/start", { cwd, ...wish });
    expect(permissionProfile).toEqual({
      type: "managed",
      fileSystem: {
        type: "restricted",
        entries: expect.arrayContaining([
          { path: { type: "special", value: { kind: "root" } }, access: "write" },
          ...denied(cwd),
        ]),
        globScanMaxDepth: 4,
      },
      network: { enabled: true },
    });
  });

  test("are enforced on patches: a denied file stays closed, whatever the sandbox of the turn", async () => {
    const { client, homes, model } = await bench();
    const { cwd } = homes;
    const { thread } = await client.call("thread/start", { cwd });
    const threadId = String(Object(thread).id);
    const patch = `*** Begin Patch\n*** Add File: a/.env\n+KEY=1\n*** End Patch`;
    model.enqueue(
      answer(...functionCall("exec_command", { cmd: `apply_patch <<'E'\n${patch}\nE` })),
      say("done"),
    );
    const { turn } = await client.call("turn/start", {
      threadId,
      input: [{ type: "text", text: "write it" }],
      sandboxPolicy: { type: "dangerFullAccess" },
    });
    await client.turnEnded(String(Object(turn).id));
    const told = JSON.stringify(model.requests.at(-1)?.body["input"]);
    expect(told).toContain("a/.env may not be read: the permissions deny it; choose another file");
    expect(existsSync(join(cwd, "a"))).toBe(false);
    expect(client.sent.some(({ method }) => method?.endsWith("/requestApproval"))).toBe(false);
  });

  test("are said in one way a call", async () => {
    const { client, homes } = await bench();
    const { cwd } = homes;
    const profile = { permissionProfile: { type: "disabled" } };
    const { thread } = await client.call("thread/start", { cwd, permissions: ":read-only" });
    const threadId = String(Object(thread).id);
    const input = [{ type: "text", text: "hi" }];
    for (const [method, params, one, other] of [
      ["thread/start", { cwd, ...profile, sandbox: "read-only" }, "permissionProfile", "sandbox"],
      ["thread/start", { cwd, ...profile, permissions: "dev" }, "permissions", "permissionProfile"],
      [
        "thread/resume",
        { threadId, ...profile, sandbox: "read-only" },
        "permissionProfile",
        "sandbox",
      ],
      [
        "turn/start",
        { threadId, input, ...profile, sandboxPolicy: readOnly },
        "permissionProfile",
        "sandboxPolicy",
      ],
      [
        "thread/settings/update",
        { threadId, permissions: "dev", sandboxPolicy: { type: "readOnly" } },
        "permissions",
        "sandboxPolicy",
      ],
    ] as const) {
      const refusal =
        method === "turn/start"
          ? client.call(method, { ...params, sandboxPolicy: { type: "readOnly" } })
          : client.call(method, params);
      await expect(refusal).rejects.toThrow(
        `-32600 \`${one}\` cannot be combined with \`${other}\``,
      );
    }
  });

  test("by a name that stands for nothing are refused", async () => {
    const { client, homes } = await bench();
    const { cwd } = homes;
    for (const [permissions, said] of [
      [":nope", "default_permissions refers to unknown built-in profile `:nope`"],
      ["nope", "default_permissions refers to undefined profile `nope`"],
      ["broken", "default_permissions refers to undefined profile `nobody`"],
    ] as const) {
      await expect(client.call("thread/start", { cwd, permissions })).rejects.toThrow(
        `-32600 failed to load configuration: ${said}`,
      );
    }
  });

  test("by folders besides: those of the older form of a name", async () => {
    const { client, homes } = await bench();
    const modifications = [{ type: "additionalWritableRoot", path: "/opt" }];
    const permissions = { type: "profile", id: ":workspace", modifications };
    expect(await client.call("thread/start", { cwd: homes.cwd, permissions })).toMatchObject({
      sandbox: { type: "workspaceWrite", writableRoots: ["/opt"] },
      activePermissionProfile: { id: ":workspace", extends: null },
    });
  });

  test("wider than the configured ones are an admin's to choose, in every spelling", async () => {
    const { client, homes, host } = await bench();
    const operator = await HostClient.connectAs("operator", host, client);
    const entries = [{ path: { type: "path", path: "/etc" }, access: "write" }];
    const { cwd } = homes;
    for (const wish of [
      { permissions: ":danger-full-access" },
      { permissionProfile: { type: "disabled" } },
      { permissionProfile: { type: "external", network: { enabled: false } } },
      { permissionProfile: { ...readOnly, network: { enabled: true } } },
      { permissionProfile: { ...readOnly, fileSystem: { type: "restricted", entries } } },
      { permissionProfile: { ...readOnly, fileSystem: { type: "unrestricted" } } },
      {
        permissions: {
          type: "profile",
          id: ":workspace",
          modifications: [{ type: "additionalWritableRoot", path: "/etc" }],
        },
      },
    ]) {
      await expect(operator.call("thread/start", { cwd, ...wish })).rejects.toThrow(
        /needs? the role admin/,
      );
    }
    const narrow = await operator.call("thread/start", { cwd, permissionProfile: readOnly });
    expect(narrow).toMatchObject({ sandbox: { type: "readOnly" } });
  });
});

test("the profiles that can be chosen are listed, page by page, with those that make no sense marked", async () => {
  const { client } = await bench();
  const all = await client.call("permissionProfile/list", {});
  expect(all).toEqual({
    data: [
      { id: ":read-only", description: null, allowed: true },
      { id: ":workspace", description: null, allowed: true },
      { id: ":danger-full-access", description: null, allowed: true },
      { id: "broken", description: null, allowed: false },
      { id: "dev", description: "for work", allowed: true },
    ],
    nextCursor: null,
  });
  const first = await client.call("permissionProfile/list", { limit: 4 });
  expect(first["data"]).toHaveLength(4);
  const rest = await client.call("permissionProfile/list", { cursor: first["nextCursor"] });
  expect(rest).toMatchObject({ data: [{ id: "dev" }], nextCursor: null });
  await expect(client.call("permissionProfile/list", { cursor: "x" })).rejects.toThrow("-32600");
});
