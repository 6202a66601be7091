/** Whether and how a client's own command may run. */
import { z } from "zod";
import type { Context } from "../dispatch/context.ts";
import { decideClientCommand } from "../permissions/client-command-decision.ts";
import { type ReadOnlyGit, readOnlyGit } from "../permissions/read-only-git.ts";
import { policyForMode } from "../permissions/sandbox-policy.ts";
import { deniedRequest, invalidRequest } from "../protocol/errors.ts";
import { mayUnconfine } from "../protocol/host-policy.ts";
import type { SandboxPolicy } from "../protocol/settings.ts";
import { unreachable } from "../util/unreachable.ts";

/** A profile by its name, or spelled out as clients of the 0.128 generation do. */
export const PermissionProfile = z.union([
  z.string(),
  z.looseObject({ type: z.enum(["disabled", "external", "managed"]) }),
]);
type PermissionProfile = z.infer<typeof PermissionProfile>;

interface Wish {
  readonly command: readonly string[];
  readonly sandboxPolicy: SandboxPolicy | undefined;
  readonly permissionProfile: PermissionProfile | undefined;
  /** Whether it runs on a terminal or with variables of the client's. */
  readonly isSpecial: boolean;
}

/** Gives the guarded git command, or undefined when the command runs as it is. Throws the refusal. */
export function admitCommand(context: Context, wish: Wish): ReadOnlyGit | undefined {
  const { permissionProfile, sandboxPolicy, isSpecial, command } = wish;
  if (permissionProfile !== undefined && sandboxPolicy) {
    throw invalidRequest("`permissionProfile` cannot be combined with `sandboxPolicy`");
  }
  const { sandboxMode, workspaceWrite } = context.config.read();
  const decision = decideClientCommand({
    requested: permissionProfile === undefined ? sandboxPolicy : policyOfProfile(permissionProfile),
    configured: policyForMode(sandboxMode ?? "read-only", workspaceWrite),
    isAdmin: mayUnconfine(context.principal.role, context.host.policy),
    git: isSpecial ? undefined : readOnlyGit(command),
  });
  if (decision.kind === "refuse") throw deniedRequest("sandbox", decision.message);
  return decision.kind === "readOnlyGit" ? decision.git : undefined;
}

const workspaceWritePolicy: SandboxPolicy = {
  type: "workspaceWrite",
  writableRoots: [],
  networkAccess: false,
  excludeTmpdirEnvVar: false,
  excludeSlashTmp: false,
};

/** Every profile that confines comes to the same here: it cannot be enforced. */
function policyOfProfile(profile: PermissionProfile): SandboxPolicy {
  if (typeof profile !== "string") {
    switch (profile.type) {
      case "disabled":
        return { type: "dangerFullAccess" };
      case "external":
        return { type: "externalSandbox", networkAccess: "restricted" };
      case "managed":
        return { type: "readOnly", networkAccess: false };
      default:
        return unreachable(profile.type);
    }
  }
  switch (profile) {
    case ":read-only":
      return { type: "readOnly", networkAccess: false };
    case ":workspace":
      return workspaceWritePolicy;
    case ":danger-full-access":
      return { type: "dangerFullAccess" };
    default:
      throw invalidRequest(
        "invalid permission profile: default_permissions requires a `[permissions]` table",
      );
  }
}
