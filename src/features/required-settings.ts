/** What the machine's owner does not allow is refused to everybody, whatever the role. */
import type { Context } from "../dispatch/context.ts";
import { modeOfProfile } from "../permissions/required-mode.ts";
import { realPath } from "../util/real-path.ts";
import { deniedRequest } from "../protocol/errors.ts";
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { SettingsOverride } from "../threads/port.ts";

/** Throws the refusal, which names the source of the rule. */
export function checkRequirements(
  { config }: Pick<Context, "config">,
  { approvalPolicy, permissions }: SettingsOverride,
): void {
  const { requirements } = config.read();
  const id = permissions?.active?.id;
  const fault =
    (approvalPolicy && requirements.approvalFault(approvalPolicy)) ??
    (id === undefined ? undefined : requirements.profileFault(id)) ??
    (permissions && requirements.sandboxFault(modeOfProfile(permissions.profile, realPath)));
  if (fault !== undefined)
    throw deniedRequest("requirements", `invalid thread settings override: ${fault}`);
}

/** The same for a command of the client's own. */
export function checkRequiredSandbox(
  { config }: Pick<Context, "config">,
  profile: PermissionProfile,
): void {
  const fault = config.read().requirements.sandboxFault(modeOfProfile(profile, realPath));
  if (fault !== undefined) throw deniedRequest("requirements", `invalid sandbox policy: ${fault}`);
}
