import { describe, expect, test } from "vitest";
import { isLooser } from "../../../src/permissions/configured-profile.ts";
import type { PermissionSettings } from "../../../src/permissions/configured-profile.ts";
import { plainWorkspace, profileOfPolicy } from "../../../src/permissions/legacy-policy.ts";
import type { WorkspaceWrite } from "../../../src/permissions/legacy-policy.ts";
import { SandboxPolicy } from "../../../src/protocol/settings.ts";

const workspace: WorkspaceWrite = {
  writableRoots: ["/srv/shared"],
  networkAccess: false,
  excludeTmpdirEnvVar: false,
  excludeSlashTmp: true,
};
const open = { ...workspace, networkAccess: true, excludeSlashTmp: false };
const policy = (value: object): SandboxPolicy => SandboxPolicy.parse(value);
const workspaceWrite = (more: object = {}): SandboxPolicy =>
  policy({ type: "workspaceWrite", excludeSlashTmp: true, ...more });

const configured = (
  sandboxMode: PermissionSettings["sandboxMode"],
  table: WorkspaceWrite,
): PermissionSettings => ({
  defaultPermissions: null,
  sandboxMode,
  workspaceWrite: table,
  permissionTables: { tables: undefined, home: "/home/me" },
});
const ground = {
  places: { cwd: "/srv/work", workspaceRoots: ["/srv/work"], tmpdir: undefined },
  realPath: (path: string): string => path,
};
const loosens = (wish: SandboxPolicy, settings: PermissionSettings): boolean =>
  isLooser(profileOfPolicy(wish), settings, ground);

describe("a policy is looser than the configured one", () => {
  test.each([
    policy({ type: "dangerFullAccess" }),
    policy({ type: "externalSandbox" }),
    policy({ type: "readOnly", networkAccess: true }),
    workspaceWrite({ networkAccess: true }),
    workspaceWrite({ excludeSlashTmp: false }),
    workspaceWrite({ writableRoots: ["/"] }),
    workspaceWrite({ writableRoots: ["/srv/shared/../other"] }),
    workspaceWrite({ writableRoots: ["/srv/shared2"] }),
    workspaceWrite({ writableRoots: ["/srv/work/sub", "/up"] }),
    workspaceWrite({ writableRoots: ["/srv/work/sub/../../up"] }),
  ])("%j is", (wish) => {
    expect(loosens(wish, configured("workspace-write", workspace))).toBe(true);
  });

  test.each([
    workspaceWrite({ writableRoots: workspace.writableRoots }),
    policy({ type: "readOnly" }),
    workspaceWrite(),
    workspaceWrite({ excludeTmpdirEnvVar: true }),
    workspaceWrite({ writableRoots: ["/srv/shared", "/srv/shared/deep"] }),
  ])("%j is not", (wish) => {
    expect(loosens(wish, configured("workspace-write", workspace))).toBe(false);
  });

  test("nothing is where config.toml takes the sandbox away, or gives as much", () => {
    const none = configured("danger-full-access", workspace);
    expect(loosens(policy({ type: "dangerFullAccess" }), none)).toBe(false);
    const wish = policy({ type: "workspaceWrite", networkAccess: true });
    expect(loosens(wish, configured("read-only", open))).toBe(false);
    expect(loosens(wish, configured("read-only", plainWorkspace))).toBe(true);
  });
});
