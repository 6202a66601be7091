/** Whether and how a client's own command may run. */
import type { Config } from "../config/port.ts";
import type { Context } from "../dispatch/context.ts";
import { decideClientCommand } from "../permissions/client-command-decision.ts";
import { type ReadOnlyGit, readOnlyGit } from "../permissions/read-only-git.ts";
import { configuredPermissions, permissionsNamed } from "../permissions/configured-profile.ts";
import { profileOfPolicy } from "../permissions/legacy-policy.ts";
import { deniedRequest, invalidRequest } from "../protocol/errors.ts";
import { mayUnconfine } from "../protocol/host-policy.ts";
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { SandboxPolicy } from "../protocol/settings.ts";
import { loaded } from "./permission-profile.ts";
import type { ProfileWish } from "./permission-profile.ts";
import { checkRequiredSandbox } from "./required-settings.ts";

interface Wish {
  readonly command: readonly string[];
  readonly sandboxPolicy: SandboxPolicy | undefined;
  readonly permissionProfile: ProfileWish | undefined;
  /** Whether it runs on a terminal or with variables of the client's. */
  readonly isSpecial: boolean;
}

/** Gives the guarded git command, or undefined when the command runs as it is. Throws the refusal. */
export function admitCommand(context: Context, wish: Wish): ReadOnlyGit | undefined {
  const { permissionProfile, sandboxPolicy, isSpecial, command } = wish;
  const config = context.config.read();
  const requested = requestedProfile(permissionProfile, sandboxPolicy, config);
  if (requested) checkRequiredSandbox(context, requested);
  const decision = decideClientCommand({
    requested,
    configured: loaded(() => configuredPermissions(config, "read-only").profile, invalid),
    isAdmin: mayUnconfine(context.principal.role, context.host.policy),
    git: isSpecial ? undefined : readOnlyGit(command),
  });
  if (decision.kind === "refuse") throw deniedRequest("sandbox", decision.message);
  return decision.kind === "readOnlyGit" ? decision.git : undefined;
}

const invalid = "invalid permission profile";

function requestedProfile(
  wish: ProfileWish | undefined,
  sandboxPolicy: SandboxPolicy | undefined,
  config: Config,
): PermissionProfile | undefined {
  if (wish !== undefined && sandboxPolicy) {
    throw invalidRequest("`permissionProfile` cannot be combined with `sandboxPolicy`");
  }
  if (typeof wish === "string") {
    return loaded(() => permissionsNamed(wish, config).profile, invalid);
  }
  return wish ?? (sandboxPolicy && profileOfPolicy(sandboxPolicy));
}
