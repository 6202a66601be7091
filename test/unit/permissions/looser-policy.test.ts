import { describe, expect, test } from "vitest";
import { isLooser, policyForMode } from "../../../src/permissions/sandbox-policy.ts";
import type { WorkspaceWrite } from "../../../src/permissions/sandbox-policy.ts";
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

describe("a policy is looser than the configured one", () => {
  const configured = policyForMode("workspace-write", workspace);

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
    expect(isLooser(wish, configured, workspace)).toBe(true);
  });

  test.each([
    configured,
    policy({ type: "readOnly" }),
    workspaceWrite(),
    workspaceWrite({ excludeTmpdirEnvVar: true }),
    workspaceWrite({ writableRoots: ["/srv/shared", "/srv/shared/deep"] }),
  ])("%j is not", (wish) => {
    expect(isLooser(wish, configured, workspace)).toBe(false);
  });

  test("nothing is where config.toml takes the sandbox away, or gives as much", () => {
    const none = policyForMode("danger-full-access", workspace);
    expect(isLooser(policy({ type: "dangerFullAccess" }), none, workspace)).toBe(false);
    const wish = policy({ type: "workspaceWrite", networkAccess: true });
    expect(isLooser(wish, policyForMode("read-only", open), open)).toBe(false);
  });
});
