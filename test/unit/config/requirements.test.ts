import { EventEmitter, once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PolledRequirements } from "../../../src/config/cloud-requirements.ts";
import { createConfigEditor } from "../../../src/config/config-editor.ts";
import { createConfigReader } from "../../../src/config/config-reader.ts";
import { ConfigError, ConfigWriteError } from "../../../src/config/port.ts";

let root: string;
const at = (...parts: readonly string[]): string => join(root, ...parts);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "farhelm-requirements-"));
  for (const folder of ["home", "etc"]) mkdirSync(at(folder));
});
afterEach(() => rmSync(root, { recursive: true }));

const store = (path: string, text: string): void => writeFileSync(at(path), text);
const required = (text: string): void => store("etc/requirements.toml", text);

const places = (cloud?: string, hostName = "box1.example.com") => ({
  codexHome: at("home"),
  systemFolder: at("etc"),
  sessionFlags: [],
  hostName: () => hostName,
  cloud: cloud === undefined ? undefined : { text: () => cloud },
});
const reader = (cloud?: string, hostName?: string) => createConfigReader(places(cloud, hostName));

const granular = {
  sandbox_approval: true,
  rules: true,
  skill_approval: true,
  request_permissions: true,
  mcp_elicitations: true,
};

const reason = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
};

const writeGoals = (value: boolean) =>
  createConfigEditor(places()).write({
    edits: [{ keyPath: "features.goals", value, mergeStrategy: "replace" }],
    filePath: undefined,
    expectedVersion: undefined,
  });

const modes = (cloud?: string, hostName?: string): unknown =>
  reader(cloud, hostName).requirements().listing?.["allowedSandboxModes"];

const rule = (pattern: string, mode: string): string =>
  `[[remote_sandbox_config]]\nhostname_patterns = ["none", "${pattern}"]\nallowed_sandbox_modes = ["read-only", "${mode}"]\n`;

const by = (path: string): string => `(set by ${at(path)})`;

describe("what the machine's owner demands", () => {
  it("is nothing where there are no requirements", () => {
    const { requirements, notices } = reader().read();
    expect(requirements.listing).toBeNull();
    expect(notices).toEqual([]);
    expect(requirements.approvalFault("never")).toBeUndefined();
    expect(requirements.sandboxFault("danger-full-access")).toBeUndefined();
    expect(requirements.allowsMcpServer("x", { command: "x" })).toBe(true);
  });

  it("limits policies, modes, profiles, servers and features, and says who says so", () => {
    required(`
allowed_approval_policies = ["on-request", "untrusted"]
allowed_sandbox_modes = ["read-only", "workspace-write"]
[allowed_permission_profiles]
":read-only" = true
":workspace" = false
[features]
goals = false
[mcp_servers.docs.identity]
url = "https://docs.example.com"
[mcp_servers.local.identity]
command = "local"
`);
    const set = by("etc/requirements.toml");
    const rules = reader().requirements();
    expect(rules.approvalFault("on-request")).toBeUndefined();
    expect(rules.approvalFault("never")).toBe(
      `invalid value for \`approval_policy\`: \`Never\` is not in the allowed set [OnRequest, UnlessTrusted] ${set}`,
    );
    expect(rules.approvalFault({ granular })).toContain("`Granular` is not in");
    expect(rules.sandboxFault("workspace-write")).toBeUndefined();
    expect(rules.sandboxFault("danger-full-access")).toBe(
      `invalid value for \`sandbox_mode\`: \`DangerFullAccess\` is not in the allowed set [ReadOnly, WorkspaceWrite] ${set}`,
    );
    expect(rules.sandboxFault("external-sandbox")).toContain("`ExternalSandbox` is not in");
    expect(
      [":read-only", ":workspace", "own"].map((id) => rules.profileFault(id) === undefined),
    ).toEqual([true, false, false]);
    expect(rules.featureFault({ goals: true })).toBe(
      `invalid value for \`features\`: \`features.goals=true\` is not in the allowed set [goals=false] ${set}`,
    );
    expect(rules.featureFault({ goals: false, other: true })).toBeUndefined();
    const servers = [
      ["docs", { url: "https://docs.example.com" }],
      ["docs", { url: "https://evil.example.com" }],
      ["local", { command: "local" }],
      ["local", { command: "evil" }],
      ["local", { command: "local", url: "https://docs.example.com" }],
      ["other", { command: "local" }],
    ] as const;
    expect(servers.map(([name, server]) => rules.allowsMcpServer(name, server))).toEqual([
      true,
      false,
      true,
      false,
      false,
      false,
    ]);
  });

  it("takes the place of what is configured otherwise, with a notice", () => {
    store(
      "home/config.toml",
      'approval_policy = "never"\nsandbox_mode = "danger-full-access"\n[features]\ngoals = true\n[mcp_servers.x]\ncommand = "x"\n',
    );
    required(
      'allowed_approval_policies = ["on-request"]\nallowed_sandbox_modes = ["read-only"]\n[features]\ngoals = false\n[mcp_servers.y.identity]\ncommand = "y"\n',
    );
    const config = reader().read();
    expect(config).toMatchObject({
      approvalPolicy: "on-request",
      sandboxMode: "read-only",
      defaultSandboxMode: "read-only",
      goals: false,
      raw: { mcp_servers: { x: { command: "x", enabled: false } } },
    });
    expect(config.notices).toEqual([
      expect.stringContaining("falling back to required value on-request. Details: invalid value"),
      expect.stringContaining("falling back to required value read-only. Details: invalid value"),
    ]);
    expect(reader().read({ sandbox_mode: "workspace-write" }).sandboxMode).toBe("read-only");
  });

  it("limits the defaults of projects too", () => {
    store("home/config.toml", `[projects."${at("etc")}"]\ntrust_level = "untrusted"\n`);
    required('allowed_approval_policies = ["on-request"]\nallowed_sandbox_modes = ["read-only"]\n');
    expect(reader().read({}, at("etc"))).toMatchObject({
      trustLevel: "untrusted",
      defaultApprovalPolicy: "on-request",
      defaultSandboxMode: "read-only",
    });
  });

  it("refuses what would leave an agent that can neither write nor ask", () => {
    store("home/config.toml", 'approval_policy = "never"\nsandbox_mode = "danger-full-access"\n');
    required('allowed_sandbox_modes = ["read-only"]\n');
    expect(reason(() => reader().read())).toContain(
      '`approval_policy = "never"` cannot be used because requirements do not allow `sandbox_mode = "danger-full-access"`',
    );
  });

  it.each([
    ["allowed_sandbox_modes = [\n", "etc/requirements.toml:"],
    ['allowed_sandbox_modes = ["x"]\n', "unknown variant `x`, expected one of `read-only`"],
    ["allowed_approval_policies = []\n", "field `allowed_approval_policies` cannot be empty"],
    ['allowed_sandbox_modes = ["danger-full-access"]\n', "must include 'read-only'"],
    [
      '[[remote_sandbox_config]]\nallowed_sandbox_modes = ["read-only"]\n',
      "missing field `hostname_patterns`",
    ],
    ["[mcp_servers.x]\n", "missing field `identity`"],
    ["[mcp_servers.x.identity]\n", "it must name either `command` or `url`"],
  ])("%j stops everything until it is mended", (text, message) => {
    required(text);
    const made = reader();
    for (const act of [() => made.read(), () => made.requirements(), () => made.layers()]) {
      expect(reason(act)).toContain("failed to parse requirements layer");
      expect(reason(act)).toContain(message);
    }
    required("");
    expect(made.read().notices).toEqual([]);
  });

  it("also stands over what clients write", async () => {
    required("[features]\ngoals = false\n");
    await expect(writeGoals(true)).rejects.toThrow(ConfigWriteError);
    await writeGoals(false);
  });
});

describe("several sources", () => {
  it("the stronger one decides on what it names, a weaker one only on the rest", () => {
    store(
      "etc/managed_config.toml",
      'approval_policy = "never"\nsandbox_mode = "workspace-write"\n',
    );
    required(
      'allowed_approval_policies = ["on-request"]\nallowed_sandbox_modes = ["read-only", "danger-full-access"]\nenforce_residency = "us"\n[features]\ngoals = true\nmemories = false\n',
    );
    const cloud = 'allowed_sandbox_modes = ["read-only"]\n[features]\ngoals = false\n';
    const rules = reader(cloud).requirements();
    expect(rules.listing).toMatchObject({
      allowedSandboxModes: ["read-only"],
      allowedApprovalPolicies: ["never"],
      enforceResidency: "us",
      featureRequirements: { goals: false, memories: false },
    });
    expect(rules.sandboxFault("workspace-write")).toContain(
      "(set by cloud requirements (workspace-managed policies))",
    );
    expect(rules.approvalFault("on-request")).toContain(by("etc/managed_config.toml"));
  });

  it.each([
    ["box1.example.com", "workspace-write"],
    ["BOX?.Example.com.", "workspace-write"],
    ["*.example.com", "workspace-write"],
    ["box1", undefined],
    ["example.com", undefined],
    ["box1.example.com.evil", undefined],
    ["box1xexample.com", undefined],
    ["[", undefined],
  ])("a rule for hosts named %s is for this one: %s", (pattern, mode) => {
    required(rule(pattern, "workspace-write"));
    expect(modes()).toEqual(mode === undefined ? undefined : ["read-only", mode]);
  });

  it("of each source the first rule for this host is laid over it, before they are joined", () => {
    required(rule("box*", "danger-full-access") + rule("*", "workspace-write"));
    expect(modes()).toEqual(["read-only", "danger-full-access"]);
    expect(modes(rule("box*", "workspace-write") + rule("*", "danger-full-access"))).toEqual([
      "read-only",
      "workspace-write",
    ]);
    expect(modes(rule("other", "workspace-write"))).toEqual(["read-only", "danger-full-access"]);
    expect(modes('allowed_sandbox_modes = ["read-only"]\n')).toEqual(["read-only"]);
  });

  it("the host's name is asked for once, and only where a rule needs it", () => {
    let asked = 0;
    const named = {
      ...places(),
      hostName: () => {
        asked += 1;
        return "box1";
      },
    };
    required('allowed_sandbox_modes = ["read-only"]\n');
    createConfigReader(named).read();
    expect(asked).toBe(0);
  });
});

describe("requirements from elsewhere", () => {
  it("let nothing run until they are known", async () => {
    const answers = new EventEmitter();
    const cloud = new PolledRequirements({
      load: async () => {
        const [text]: string[] = await once(answers, "answer");
        return text;
      },
    });
    const made = createConfigReader({ ...places(), cloud });
    const first = cloud.begin();
    expect(reason(() => made.read())).toContain(
      "Failed to load cloud requirements (workspace-managed policies): they are still being loaded",
    );
    answers.emit("answer", 'allowed_sandbox_modes = ["read-only"]\n');
    await first;
    expect(made.read().requirements.sandboxFault("workspace-write")).toBeDefined();
    cloud.close();
  });

  it("let nothing run when they cannot be had, and stay in force once they were", async () => {
    const answers = [new Error("no route"), 'enforce_residency = "us"\n', new Error("gone")];
    const cloud = new PolledRequirements({
      load: () => {
        const next = answers.shift();
        return typeof next === "string" ? Promise.resolve(next) : Promise.reject(next);
      },
    });
    const made = createConfigReader({ ...places(), cloud });
    await cloud.begin();
    expect(reason(() => made.read())).toContain(
      "Failed to load cloud requirements (workspace-managed policies): no route",
    );
    await cloud.begin();
    await cloud.begin();
    expect(made.read().requirements.listing).toMatchObject({ enforceResidency: "us" });
    cloud.close();
  });

  it("that make no sense let nothing run", () => {
    expect(reason(() => reader("x =").read())).toContain(
      "failed to parse requirements layer cloud requirements (workspace-managed policies):1:",
    );
  });
});
