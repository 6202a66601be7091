/** The profile that the configuration gives a thread, and the widest one that everybody who may act may choose. */
import type { ActivePermissionProfile, PermissionProfile } from "../protocol/permission-profile.ts";
import type { SandboxMode } from "../protocol/settings.ts";
import { profileForMode } from "./legacy-policy.ts";
import type { WorkspaceWrite } from "./legacy-policy.ts";
import { namedProfile } from "./named-profile.ts";
import type { ProfileTables } from "./named-profile.ts";
import type { Ground } from "./path-access.ts";
import { isUnconfined, isWithin } from "./profile-algebra.ts";

/** What the configuration says of permissions. */
export interface PermissionSettings {
  /** Comes before `sandboxMode`. */
  readonly defaultPermissions: string | null;
  readonly sandboxMode: SandboxMode | null;
  readonly workspaceWrite: WorkspaceWrite;
  readonly permissionTables: ProfileTables;
}

/** A profile, and its name where it has one. */
export interface Permissions {
  readonly profile: PermissionProfile;
  readonly active: ActivePermissionProfile | null;
}

/** Throws `ProfileError` where a name stands for nothing. */
export function configuredPermissions(
  settings: PermissionSettings,
  standard: SandboxMode,
): Permissions {
  const { defaultPermissions, sandboxMode, workspaceWrite } = settings;
  if (defaultPermissions !== null) return permissionsNamed(defaultPermissions, settings);
  return { profile: profileForMode(sandboxMode ?? standard, workspaceWrite), active: null };
}

/** Throws `ProfileError`. */
export function permissionsNamed(
  id: string,
  { permissionTables }: Pick<PermissionSettings, "permissionTables">,
): Permissions {
  const named = namedProfile(id, permissionTables);
  return { profile: named.profile, active: { id: named.id, extends: named.extends } };
}

/**
 * Whether a wish takes away limits that the configuration sets. Within them are the configured profile and, where that
 * confines at all, the workspace mode as `[sandbox_workspace_write]` describes it.
 */
export function isLooser(
  wish: PermissionProfile,
  settings: PermissionSettings,
  ground: Ground,
): boolean {
  const configured = configuredPermissions(settings, "read-only").profile;
  if (isUnconfined(configured) || isWithin(wish, configured, ground)) return false;
  return !isWithin(wish, profileForMode("workspace-write", settings.workspaceWrite), ground);
}
