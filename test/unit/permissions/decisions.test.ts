import { describe, expect, test } from "vitest";
import type { CommandDecision } from "../../../src/permissions/command-decision.ts";
import { decideCommand } from "../../../src/permissions/command-decision.ts";
import type { PatchDecision } from "../../../src/permissions/patch-decision.ts";
import { decidePatch } from "../../../src/permissions/patch-decision.ts";
import {
  plainWorkspace,
  policyOfProfile,
  profileForMode,
  profileOfPolicy,
} from "../../../src/permissions/legacy-policy.ts";
import type { WorkspaceWrite } from "../../../src/permissions/legacy-policy.ts";
import type { SandboxState } from "../../../src/permissions/sandbox-state.ts";
import { accessTo, pathRules } from "../../../src/permissions/path-access.ts";
import type { Ground } from "../../../src/permissions/path-access.ts";
import type { ApprovalPolicy, SandboxMode, SandboxPolicy } from "../../../src/protocol/settings.ts";

const policies = {
  readOnly: { type: "readOnly", networkAccess: false },
  workspace: {
    type: "workspaceWrite",
    writableRoots: ["/extra"],
    networkAccess: false,
    excludeSlashTmp: false,
    excludeTmpdirEnvVar: false,
  },
  danger: { type: "dangerFullAccess" },
  external: { type: "externalSandbox", networkAccess: "restricted" },
} satisfies Record<string, SandboxPolicy>;
const granular = (sandbox_approval: boolean): ApprovalPolicy => ({
  granular: {
    sandbox_approval,
    rules: true,
    skill_approval: false,
    request_permissions: false,
    mcp_elicitations: true,
  },
});

const ground = (cwd: string, tmpdir?: string): Ground => ({
  places: { cwd, workspaceRoots: [cwd], tmpdir },
  realPath: (path) => path,
});

const works: SandboxState = { works: true, how: "walls" };
const noSandbox: SandboxState = {
  works: false,
  reason: "bubblewrap is not installed",
  fix: "install it",
};

describe("a command without a sandbox on the host", () => {
  type Kind = CommandDecision["kind"];
  test.each<[ApprovalPolicy, keyof typeof policies, Kind, Kind]>([
    // policy, sandbox, plain, escalated
    ["untrusted", "readOnly", "ask", "ask"],
    ["untrusted", "workspace", "ask", "ask"],
    ["untrusted", "danger", "ask", "ask"],
    ["untrusted", "external", "ask", "ask"],
    ["on-request", "readOnly", "ask", "ask"],
    ["on-request", "workspace", "ask", "ask"],
    ["on-request", "danger", "run", "run"],
    ["on-request", "external", "run", "ask"],
    ["never", "readOnly", "refuse", "refuse"],
    ["never", "workspace", "refuse", "refuse"],
    ["never", "danger", "run", "run"],
    ["never", "external", "run", "refuse"],
    [granular(true), "workspace", "ask", "ask"],
    [granular(false), "workspace", "refuse", "refuse"],
  ])("%j under %s: %s, escalated: %s", (approvalPolicy, sandbox, plain, escalated) => {
    const decide = (isEscalated: boolean): Kind =>
      decideCommand({
        approvalPolicy,
        profile: profileOfPolicy(policies[sandbox]),
        escalated: isEscalated,
        sandbox: noSandbox,
        risk: "unknown",
      }).kind;
    expect([decide(false), decide(true)]).toEqual([plain, escalated]);
  });

  test("is refused with a reason and a way out", () => {
    const question = {
      approvalPolicy: "never",
      profile: profileOfPolicy(policies.readOnly),
      sandbox: noSandbox,
      risk: "unknown",
    } as const;
    expect(decideCommand({ ...question, escalated: false })).toEqual({
      kind: "refuse",
      message: expect.stringMatching(
        /`never`.*no sandbox.*bubblewrap is not installed.*install it.*`on-request`.*`danger-full-access`/,
      ),
    });
    expect(decideCommand({ ...question, escalated: true })).toEqual({
      kind: "refuse",
      message:
        "approval policy is Never; reject command — you cannot ask for escalated permissions if the approval policy is Never",
    });
  });
});

const run = (confined: boolean): CommandDecision => ({ kind: "run", confined });
const ask = (confined: boolean): CommandDecision => ({ kind: "ask", confined, reason: null });

describe("a command with a sandbox on the host", () => {
  type Row = [ApprovalPolicy, keyof typeof policies, CommandDecision, CommandDecision];
  const refused: CommandDecision = { kind: "refuse", message: expect.any(String) };
  test.each<Row>([
    // policy, sandbox, plain, escalated
    ["untrusted", "workspace", ask(true), ask(false)],
    ["untrusted", "danger", ask(false), ask(false)],
    ["on-request", "readOnly", run(true), ask(false)],
    ["on-request", "workspace", run(true), ask(false)],
    ["on-request", "danger", run(false), run(false)],
    ["on-request", "external", run(false), ask(false)],
    ["never", "readOnly", run(true), refused],
    ["never", "danger", run(false), run(false)],
    [granular(true), "workspace", run(true), ask(false)],
    [granular(false), "workspace", run(true), refused],
  ])("%j under %s: %j, escalated: %j", (approvalPolicy, name, plain, escalated) => {
    const question = {
      approvalPolicy,
      profile: profileOfPolicy(policies[name]),
      sandbox: works,
      risk: "unknown",
    } as const;
    expect(decideCommand({ ...question, escalated: false })).toEqual(plain);
    expect(decideCommand({ ...question, escalated: true })).toEqual(escalated);
  });
});

describe("a command that wants more and stays inside", () => {
  const refused: CommandDecision = { kind: "refuse", message: expect.any(String) };
  test.each<[ApprovalPolicy, keyof typeof policies, SandboxState, CommandDecision]>([
    ["untrusted", "workspace", works, ask(true)],
    ["on-request", "readOnly", works, ask(true)],
    ["on-request", "danger", works, run(false)],
    ["never", "workspace", works, refused],
    [granular(false), "workspace", works, refused],
    [granular(true), "workspace", works, ask(true)],
    // it would not stay inside: the question says so
    [
      "on-request",
      "workspace",
      noSandbox,
      { kind: "ask", confined: false, reason: expect.stringContaining("no sandbox") },
    ],
  ])("%j under %s: %j: %j", (approvalPolicy, name, sandbox, expected) => {
    const profile = profileOfPolicy(policies[name]);
    const question = { approvalPolicy, profile, sandbox, escalated: false, wishes: true };
    expect(decideCommand({ ...question, risk: "unknown" })).toEqual(expected);
    expect(decideCommand({ ...question, risk: "readOnly" })).toEqual(expected);
  });
});

test("where somebody wants to see everything, what only reads is asked about, too", () => {
  const question = { approvalPolicy: "on-request", escalated: false, isReviewed: true } as const;
  const decide = (name: keyof typeof policies): CommandDecision =>
    decideCommand({
      ...question,
      profile: profileOfPolicy(policies[name]),
      sandbox: works,
      risk: "readOnly",
    });
  expect([decide("workspace"), decide("danger")]).toEqual([ask(true), ask(false)]);
  expect(
    decidePatch({
      ...question,
      profile: profileOfPolicy(policies.danger),
      ground: ground("/w"),
      paths: ["/w/a"],
    }),
  ).toEqual({ kind: "ask", reason: null });
});

describe("a command of which something is known", () => {
  type Kind = CommandDecision["kind"];
  test.each<[ApprovalPolicy, keyof typeof policies, SandboxState, Kind, Kind, Kind, Kind]>([
    // policy, sandbox, the host's, only reads, the same escalated, deletes by force, the same escalated
    ["untrusted", "readOnly", works, "run", "ask", "ask", "ask"],
    ["untrusted", "readOnly", noSandbox, "ask", "ask", "ask", "ask"],
    ["untrusted", "danger", noSandbox, "run", "ask", "ask", "ask"],
    ["untrusted", "external", noSandbox, "run", "ask", "ask", "ask"],
    ["on-request", "workspace", works, "run", "ask", "ask", "ask"],
    ["on-request", "workspace", noSandbox, "ask", "ask", "ask", "ask"],
    ["on-request", "danger", works, "run", "run", "ask", "ask"],
    ["on-request", "external", works, "run", "ask", "ask", "ask"],
    ["never", "workspace", works, "run", "refuse", "refuse", "refuse"],
    ["never", "danger", works, "run", "run", "refuse", "refuse"],
    [granular(true), "workspace", works, "run", "ask", "ask", "ask"],
    [granular(false), "workspace", works, "run", "refuse", "ask", "refuse"],
  ])("%j under %s: %j: %s, %s, %s, %s", (approvalPolicy, name, sandbox, ...expected) => {
    const question = { approvalPolicy, profile: profileOfPolicy(policies[name]), sandbox };
    const kinds = (["readOnly", "forced"] as const).flatMap((risk) =>
      [false, true].map((escalated) => decideCommand({ ...question, risk, escalated }).kind),
    );
    expect(kinds).toEqual(expected);
  });

  test("is confined as any other", () => {
    const question = { escalated: false, profile: profileOfPolicy(policies.workspace) };
    const asks = { ...question, approvalPolicy: "untrusted", sandbox: works } as const;
    expect(decideCommand({ ...asks, risk: "readOnly" })).toEqual({ kind: "run", confined: true });
    const open = { ...asks, profile: profileOfPolicy(policies.danger), risk: "readOnly" } as const;
    expect(decideCommand(open)).toEqual({ kind: "run", confined: true });
    expect(decideCommand({ ...open, sandbox: noSandbox })).toEqual({
      kind: "run",
      confined: false,
    });
    const external = profileOfPolicy(policies.external);
    expect(decideCommand({ ...open, profile: external })).toEqual({ kind: "run", confined: false });
    expect(decideCommand({ ...asks, risk: "forced" })).toEqual({
      kind: "ask",
      confined: true,
      reason: null,
    });
  });

  test("is refused with another way to do it", () => {
    const question = { escalated: false, profile: profileOfPolicy(policies.danger) };
    expect(
      decideCommand({ ...question, approvalPolicy: "never", sandbox: works, risk: "forced" }),
    ).toEqual({
      kind: "refuse",
      message: expect.stringMatching(
        /rm -f style commands are not permitted.*Use a safer approach/,
      ),
    });
  });
});

describe("a patch", () => {
  const inside = "/ws/a";
  const outside = "/other/a";
  test.each<[ApprovalPolicy, keyof typeof policies, string, PatchDecision["kind"]]>([
    ["untrusted", "danger", inside, "ask"],
    ["untrusted", "workspace", inside, "ask"],
    ["on-request", "readOnly", inside, "ask"],
    ["on-request", "workspace", inside, "run"],
    ["on-request", "workspace", outside, "ask"],
    ["on-request", "danger", outside, "run"],
    ["on-request", "external", outside, "run"],
    ["never", "readOnly", inside, "refuse"],
    ["never", "workspace", inside, "run"],
    ["never", "workspace", outside, "refuse"],
    ["never", "danger", outside, "run"],
    [granular(false), "workspace", outside, "refuse"],
  ])("%j under %s of %s: %s", (approvalPolicy, sandbox, path, kind) => {
    const question = {
      approvalPolicy,
      profile: profileOfPolicy(policies[sandbox]),
      ground: ground("/ws"),
    };
    expect(decidePatch({ ...question, paths: ["/ws/first", path] }).kind).toBe(kind);
  });

  test("is judged by where its roots really lie", () => {
    const question = {
      approvalPolicy: "on-request",
      profile: profileOfPolicy(policies.workspace),
      ground: { ...ground("/ws"), realPath: (path: string) => path.replace(/^\/ws/, "/real") },
    } as const;
    expect(decidePatch({ ...question, paths: ["/real/a"] }).kind).toBe("run");
    expect(decidePatch({ ...question, paths: ["/ws/a"] }).kind).toBe("ask");
  });
});

const workspaceRules = (more: Partial<WorkspaceWrite>, tmpdir: string | undefined) => {
  const profile = profileForMode("workspace-write", { ...plainWorkspace, ...more });
  const { places, realPath } = ground("/ws", tmpdir);
  return pathRules(profile, { places, realPath });
};
const writable = (more: Partial<WorkspaceWrite>, tmpdir: string | undefined) =>
  workspaceRules(more, tmpdir).rules.flatMap(({ path, access }) =>
    access === "write" ? [path] : [],
  );

describe("what a workspace may write", () => {
  test("is its folder, its roots and the temporary folders", () => {
    const writableRoots = ["/extra", "rel", "../out"];
    expect(writable({ writableRoots }, "/var/tmp/me")).toEqual([
      "/ws",
      "/tmp",
      "/var/tmp/me",
      "/extra",
      "/ws/rel",
    ]);
    const narrow = { excludeSlashTmp: true, excludeTmpdirEnvVar: true };
    expect(writable(narrow, "/var/tmp/me")).toEqual(["/ws"]);
    expect(writable({}, "relative")).toEqual(["/ws", "/tmp"]);
  });

  test.each([
    ["/ws", true],
    ["/ws/a/b", true],
    ["/ws/..a", true],
    ["/ws2/a", false],
    ["/", false],
    ["/ws/.git/hooks/x", false],
    ["/ws/.git", false],
    ["/ws/sub/.GIT/config", false],
    ["/ws/.codex/config.toml", false],
    ["/ws/.aws/credentials", false],
    ["/ws/.gitignore", true],
  ])("around /ws holds %s: %s", (path, holds) => {
    const rules = workspaceRules({ excludeSlashTmp: true }, undefined);
    expect(accessTo(path, rules) === "write").toBe(holds);
  });
});

test("a mode names a profile, whose older view is the mode's policy", () => {
  const workspace = {
    writableRoots: ["/extra"],
    networkAccess: true,
    excludeTmpdirEnvVar: true,
    excludeSlashTmp: false,
  };
  const policyForMode = (mode: SandboxMode) => policyOfProfile(profileForMode(mode, workspace));
  expect([
    policyForMode("read-only"),
    policyForMode("workspace-write"),
    policyForMode("danger-full-access"),
  ]).toEqual([
    { type: "readOnly", networkAccess: false },
    { type: "workspaceWrite", ...workspace },
    { type: "dangerFullAccess" },
  ]);
});
