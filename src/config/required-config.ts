/** A configuration that keeps to what the machine's owner demands. */
import type { ApprovalPolicy, SandboxMode } from "../protocol/settings.ts";
import { permissionsNamed } from "../permissions/configured-profile.ts";
import { ProfileError } from "../permissions/named-profile.ts";
import { modeOfProfile } from "../permissions/required-mode.ts";
import { realPath } from "../util/real-path.ts";
import type { Config, Requirements } from "./port.ts";
import { ConfigError } from "./port.ts";
import { allowedTables } from "./requirements.ts";

/**
 * What is configured and not allowed gives way to what is, with a notice. Throws `ConfigError` where nothing would be left that
 * anybody could work with: read-only, and never asking.
 */
export function required(config: Config, requirements: Requirements): Config {
  const { approvalPolicy, sandboxMode, trustLevel, permissionTools } = config;
  const pins = requirements.featurePins;
  const policyFault =
    approvalPolicy === null ? undefined : requirements.approvalFault(approvalPolicy);
  const modeFault = sandboxMode === null ? undefined : requirements.sandboxFault(sandboxMode);
  const profileFault = defaultPermissionsFault(config, requirements);
  const policy =
    policyFault === undefined ? approvalPolicy : (requirements.approvalFallback ?? null);
  if (modeFault !== undefined && policy === "never")
    throw new ConfigError(
      `\`approval_policy = "never"\` cannot be used because requirements do not allow \`sandbox_mode = "${sandboxMode}"\`: the agent could neither write nor ask. Choose \`on-request\`, or a sandbox mode that is allowed. Details: ${modeFault}`,
    );
  return {
    ...config,
    approvalPolicy: policy,
    sandboxMode: (modeFault ?? profileFault) === undefined ? sandboxMode : "read-only",
    defaultPermissions: profileFault === undefined ? config.defaultPermissions : null,
    defaultApprovalPolicy: allowedDefault(
      trustLevel === "untrusted" ? "untrusted" : "on-request",
      requirements,
    ),
    defaultSandboxMode: defaultMode(config, requirements),
    goals: pins.get("goals") ?? config.goals,
    permissionTools: {
      isRequestable: pins.get("request_permissions_tool") ?? permissionTools.isRequestable,
      isPerCommand: pins.get("exec_permission_approvals") ?? permissionTools.isPerCommand,
    },
    raw: allowedTables(config.raw, requirements),
    requirements,
    notices: [
      ...notice("approval_policy", policy, policyFault),
      ...notice("sandbox_mode", "read-only", modeFault),
      ...notice("default_permissions", "read-only", profileFault),
      ...config.notices,
    ],
  };
}

/** A name that stands for nothing is told of where it is used. */
function defaultPermissionsFault(config: Config, requirements: Requirements): string | undefined {
  const id = config.defaultPermissions;
  if (id === null) return undefined;
  try {
    const { profile } = permissionsNamed(id, config);
    return (
      requirements.profileFault(id) ?? requirements.sandboxFault(modeOfProfile(profile, realPath))
    );
  } catch (error) {
    if (error instanceof ProfileError) return undefined;
    throw error;
  }
}

const allowedDefault = (policy: ApprovalPolicy, requirements: Requirements): ApprovalPolicy =>
  requirements.approvalFault(policy) === undefined
    ? policy
    : (requirements.approvalFallback ?? policy);

const defaultMode = ({ trustLevel }: Config, requirements: Requirements): SandboxMode =>
  trustLevel !== null && requirements.sandboxFault("workspace-write") === undefined
    ? "workspace-write"
    : "read-only";

function notice(key: string, fallback: unknown, fault: string | undefined): readonly string[] {
  if (fault === undefined) return [];
  const value = typeof fallback === "string" ? fallback : JSON.stringify(fallback);
  return [
    `Configured value for \`${key}\` is disallowed by requirements; falling back to required value ${value}. Details: ${fault}`,
  ];
}
