import { describe, expect, it } from "vitest";
import type { NetworkSources } from "../../../src/permissions/configured-network.ts";
import { profileOfPolicy } from "../../../src/permissions/legacy-policy.ts";
import type {
  FileSystemEntry,
  PermissionProfile,
} from "../../../src/protocol/permission-profile.ts";
import type { ApprovalPolicy } from "../../../src/protocol/settings.ts";
import { permissionNews } from "../../../src/threads/permission-news.ts";

const noRules: NetworkSources = {
  tables: undefined,
  standard: null,
  feature: undefined,
  pin: undefined,
  required: undefined,
};
const told = (
  permissionProfile: PermissionProfile,
  approvalPolicy: ApprovalPolicy = "never",
  network = noRules,
) =>
  permissionNews({ cwd: "/w", permissionProfile, approvalPolicy, activeProfile: null, network })
    .map((item) => String(Object(Object(item["content"])[0])["text"]))
    .join("");
const workspace = profileOfPolicy({
  type: "workspaceWrite",
  writableRoots: ["/extra"],
  networkAccess: false,
  excludeTmpdirEnvVar: true,
  excludeSlashTmp: true,
});
const entry = (path: string, access: FileSystemEntry["access"]): FileSystemEntry => ({
  path: { type: "path", path },
  access,
});

const fileSystem = (...entries: readonly FileSystemEntry[]): PermissionProfile => ({
  type: "managed",
  fileSystem: { type: "restricted", entries: [...entries], globScanMaxDepth: undefined },
  network: { enabled: false },
});

describe("what the model is told of its limits", () => {
  it("names what it may write, that there is no network, and how to ask for more", () => {
    expect(told(workspace, "on-request")).toBe(`<permissions>
The machine keeps commands and patches to these limits:
- May be read: everything.
- May be written: /w, /extra; .git, .agents, .codex, .aws in them stay as they are, unless they are named here.
- Network: commands have none.
- Unix sockets: none (no ssh-agent, gpg-agent or docker); what needs one must run outside of these limits.
- Background: what a command starts ends with it, so keep servers in the foreground.
- Commits: a \`.git\` that exists is read-only; git commit must run outside of these limits.
- Caches: those in the home cannot be written; have npm_config_cache and the like name a folder that can.
What stays within runs without a question. A patch beyond is put to a person by itself; a command that needs more is, when you call it with sandbox_permissions "require_escalated" and a justification. Ask for what the task needs, and for nothing else.
</permissions>`);
  });

  it("speaks of commits and caches only where they are kept from what may be written else", () => {
    const topics = [
      fileSystem(entry("/", "read")),
      fileSystem(entry("/w", "write"), entry("/w/.git", "write")),
      fileSystem(entry("/", "write")),
      workspace,
    ].map((profile) => told(profile).match(/^- (?:Background|Commits|Caches)/gm));
    expect(topics).toEqual([
      ["- Background"],
      ["- Background", "- Caches"],
      ["- Background"],
      ["- Background", "- Commits", "- Caches"],
    ]);
  });

  it.each<[string, PermissionProfile, RegExp]>([
    [
      "nothing written",
      profileOfPolicy({ type: "readOnly", networkAccess: true }),
      /written: nothing[^]*open to commands/,
    ],
    ["no limits", { type: "disabled" }, /Nothing confines/],
    [
      "somebody else's",
      { type: "external", network: { enabled: true } },
      /outside of this program/,
    ],
    [
      "little to read, and denials",
      {
        type: "managed",
        fileSystem: {
          type: "restricted",
          entries: [
            { path: { type: "special", value: { kind: "minimal" } }, access: "read" },
            { path: { type: "glob_pattern", pattern: "**/*.env" }, access: "none" },
            entry("/w", "write"),
            entry("/w/secret", "none"),
          ],
          globScanMaxDepth: 3,
        },
        network: { enabled: false },
      },
      /read: what programs need, \/w\.\n[^]*even be read: \*\*\/\*\.env, \/w\/secret\./,
    ],
    [
      "more folders than anybody reads",
      {
        type: "managed",
        fileSystem: {
          type: "restricted",
          entries: Array.from({ length: 30 }, (_, index) => entry(`/srv/${index}`, "read")),
          globScanMaxDepth: undefined,
        },
        network: { enabled: false },
      },
      /\/srv\/19, 10 more\./,
    ],
  ])("says of %s what is so", (_what, profile, words) => {
    expect(told(profile)).toMatch(words);
  });

  it.each<[unknown, ApprovalPolicy, string]>([
    [
      { enabled: true, domains: { "*.a.test": "allow", "evil.a.test": "deny" } },
      "on-request",
      "Hosts that it lets through: *.a.test. Never: evil.a.test. A person is asked about others while the command waits.",
    ],
    [
      { enabled: true, mode: "limited" },
      "never",
      "Hosts that it lets through: none. Only GET, HEAD and OPTIONS over plain http. Others are refused; what a command reports says so.",
    ],
    [
      { enabled: true, domains: { "http://a.test": "deny" } },
      "never",
      "its rules make no sense, so that no command with it runs until a person mends them.",
    ],
  ])("says of a network behind %j under %j what is let through", (feature, policy, words) => {
    const open = profileOfPolicy({ type: "readOnly", networkAccess: true });
    expect(told(open, policy, { ...noRules, feature })).toContain(words);
  });

  it("says whether anybody can be asked", () => {
    const [untrusted, never] = (["untrusted", "never"] as const).map((policy) =>
      told(workspace, policy),
    );
    expect(untrusted).toContain("A person is asked before a command or a patch");
    expect(never).toContain("Nobody can be asked for more");
  });

  it("is told again only when it has changed", () => {
    const limits = {
      cwd: "/w",
      permissionProfile: workspace,
      approvalPolicy: "never",
      activeProfile: null,
      network: noRules,
    } as const;
    const history = permissionNews(limits);
    expect(permissionNews(limits, history)).toEqual([]);
    expect(permissionNews({ ...limits, approvalPolicy: "on-request" }, history)).toHaveLength(1);
    expect(permissionNews({ ...limits, cwd: "/v" }, history)).toHaveLength(1);
  });
});
