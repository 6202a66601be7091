/** What the machine's owner demands, over real sockets: nobody chooses otherwise, whatever the role. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { HostClient, startOn, stopHosts, temporaryHomes } from "../helpers/running-host.ts";

afterEach(stopHosts);

const demands = `allowed_approval_policies = ["on-request"]
allowed_sandbox_modes = ["read-only", "workspace-write"]
[features]
goals = false
`;

async function open(config = "") {
  const homes = temporaryHomes(config);
  mkdirSync(join(homes.root, "etc"));
  const file = join(homes.root, "etc/requirements.toml");
  writeFileSync(file, demands);
  await startOn(homes);
  return { file, admin: await HostClient.connect(homes) };
}

const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "nothing was refused",
    (error: unknown) => String(error),
  );

test("an admin cannot choose what is not allowed, and hears who says so", async () => {
  const { file, admin } = await open();
  const threadId = await admin.startThread();
  const policy = `invalid value for \`approval_policy\`: \`Never\` is not in the allowed set [OnRequest] (set by ${file})`;
  const mode = `invalid value for \`sandbox_mode\`: \`DangerFullAccess\` is not in the allowed set [ReadOnly, WorkspaceWrite] (set by ${file})`;
  const input = [{ type: "text", text: "hello" }];
  const full = { type: "dangerFullAccess" };
  const calls: readonly (readonly [string, object, string])[] = [
    ["thread/start", { approvalPolicy: "never" }, policy],
    ["thread/start", { sandbox: "danger-full-access" }, mode],
    ["turn/start", { threadId, input, approvalPolicy: "never" }, policy],
    ["turn/start", { threadId, input, sandboxPolicy: full }, mode],
    ["thread/settings/update", { threadId, sandboxPolicy: full }, mode],
    ["command/exec", { command: ["true"], sandboxPolicy: full }, mode],
    [
      "config/value/write",
      { keyPath: "features.goals", value: true, mergeStrategy: "replace" },
      `\`features.goals=true\` is not in the allowed set [goals=false] (set by ${file})`,
    ],
  ];
  for (const [method, params, sentence] of calls)
    expect(`${method}: ${await refusal(admin.call(method, params))}`).toContain(sentence);
});

test("what is configured otherwise gives way, and everybody is told", async () => {
  const { file, admin } = await open(
    'approval_policy = "never"\nsandbox_mode = "workspace-write"\n',
  );
  expect(await admin.call("thread/start", {})).toMatchObject({
    approvalPolicy: "on-request",
    sandbox: { type: "workspaceWrite" },
  });
  const { params } = await admin.until(({ method }) => method === "configWarning");
  expect(params?.["summary"]).toContain(`falling back to required value on-request`);
  expect(params?.["summary"]).toContain(`(set by ${file})`);
  expect(await admin.call("configRequirements/read", {})).toMatchObject({
    requirements: {
      allowedApprovalPolicies: ["on-request"],
      allowedSandboxModes: ["read-only", "workspace-write"],
      featureRequirements: { goals: false },
      network: null,
    },
  });
});

test("demands that cannot be read stop new work, and not the host", async () => {
  const { file, admin } = await open();
  writeFileSync(file, "allowed_sandbox_modes = [\n");
  expect(await refusal(admin.call("thread/start", {}))).toContain(
    `failed to load configuration: failed to parse requirements layer ${file}:`,
  );
  expect(await refusal(admin.call("configRequirements/read", {}))).toContain(
    "failed to read configuration layers: failed to parse requirements layer",
  );
  writeFileSync(file, "");
  await admin.startThread();
});

test("flags are listed with what decides on them, and switched while the host runs", async () => {
  const { admin } = await open();
  const enabled = async (name: string): Promise<unknown> => {
    const { data } = await admin.call("experimentalFeature/list", {});
    const found: unknown = Object.values(Object(data)).find(
      (feature) => Object(feature)["name"] === name,
    );
    return Object(found)["enabled"];
  };
  expect([await enabled("goals"), await enabled("memories")]).toEqual([false, false]);
  expect(
    await admin.call("experimentalFeature/enablement/set", {
      enablement: { memories: true, goals: true, nothing: true },
    }),
  ).toEqual({ enablement: { memories: true } });
  expect([await enabled("goals"), await enabled("memories")]).toEqual([false, true]);
  await admin.call("config/value/write", {
    keyPath: "features.memories",
    value: false,
    mergeStrategy: "replace",
  });
  expect(await enabled("memories")).toBe(false);
  for (const [params, sentence] of [
    [{ cursor: "x" }, "invalid cursor: x"],
    [{ cursor: "9999" }, "cursor 9999 exceeds total feature flags"],
    [{ threadId: "01a20459-41d8-7e70-a96a-fc7f2644308d" }, "thread not found: 01a20459"],
  ] as const)
    expect(await refusal(admin.call("experimentalFeature/list", params))).toContain(sentence);
  const page = await admin.call("experimentalFeature/list", { limit: 1, cursor: "1" });
  expect(page).toMatchObject({ data: [{ name: "unified_exec" }], nextCursor: "2" });
});
