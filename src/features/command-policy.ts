/** Whether and how a client's own command may run. */
import type { Config } from "../config/port.ts";
import type { Context } from "../dispatch/context.ts";
import { decideClientCommand } from "../permissions/client-command-decision.ts";
import { networkRules, networkSources } from "../permissions/configured-network.ts";
import type { NetworkRules } from "../permissions/network-rules.ts";
import { withDeniesOf } from "../permissions/profile-algebra.ts";
import { readOnlyGit } from "../permissions/read-only-git.ts";
import { configuredPermissions, permissionsNamed } from "../permissions/configured-profile.ts";
import { profileOfPolicy } from "../permissions/legacy-policy.ts";
import { deniedRequest, invalidRequest } from "../protocol/errors.ts";
import { mayUnconfine } from "../protocol/host-policy.ts";
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { SandboxPolicy } from "../protocol/settings.ts";
import type { CommandLimit } from "../tools/port.ts";
import { unreachable } from "../util/unreachable.ts";
import { groundAt } from "../util/ground.ts";
import { loaded } from "./permission-profile.ts";
import type { ProfileWish } from "./permission-profile.ts";
import { checkRequiredSandbox } from "./required-settings.ts";
import { checkFolder } from "./folder-check.ts";
import { checkLoosening } from "./thread-settings.ts";

interface Wish {
  readonly command: readonly string[];
  /** Absolute: what the permissions count from. */
  readonly cwd: string;
  readonly sandboxPolicy: SandboxPolicy | undefined;
  readonly permissionProfile: ProfileWish | undefined;
  /** Whether it runs on a terminal or with variables of the client's. */
  readonly isSpecial: boolean;
}

/** How it runs. Throws the refusal. */
export async function admitCommand(
  context: Context,
  wish: Wish,
): Promise<CommandLimit | undefined> {
  const { permissionProfile, sandboxPolicy, isSpecial, command, cwd } = wish;
  const config = context.config.read();
  const requested = requestedProfile(permissionProfile, sandboxPolicy, config);
  if (requested) checkRequiredSandbox(context, requested);
  const configured = loaded(() => configuredPermissions(config, "read-only").profile, invalid);
  const profile = requested ? withDeniesOf(requested, configured, groundAt(cwd)) : configured;
  const decision = decideClientCommand({
    profile,
    isRequested: requested !== undefined,
    configured,
    isAdmin: mayUnconfine(context.principal.role, context.host.policy),
    git: isSpecial ? undefined : readOnlyGit(command),
    sandbox: await context.processes.sandboxState(),
  });
  switch (decision.kind) {
    case "refuse":
      throw deniedRequest("sandbox", decision.message);
    case "readOnlyGit":
      return { kind: "git", git: decision.git };
    case "confined": {
      const id = typeof permissionProfile === "string" ? permissionProfile : undefined;
      const active = id === undefined ? null : { id, extends: null };
      if (requested) checkLoosening(context, { cwd, permissions: { profile: requested, active } });
      checkFolder(context, cwd, profile);
      const name = requested ? (id ?? null) : config.defaultPermissions;
      return { kind: "sandbox", profile, network: networkOf(profile, name, config) };
    }
    case "unconfined":
      return undefined;
    default:
      return unreachable(decision);
  }
}

const invalid = "invalid permission profile";

/** `name`: the profile's, where it has one. */
function networkOf(
  profile: PermissionProfile,
  name: string | null,
  config: Config,
): NetworkRules | undefined {
  if (profile.type === "managed" && !profile.network.enabled) return undefined;
  return loaded(() => networkRules(networkSources(config), name), invalid);
}

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
