/** What a single command asks for on top of the permissions of its thread. */
import { isGrantedAlready, permissionsOf, stillThere, type Wish } from "../permissions/grants.ts";
import { plainWorkspace, profileForMode } from "../permissions/legacy-policy.ts";
import { withGrant } from "../permissions/profile-algebra.ts";
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import { groundAt } from "../util/ground.ts";
import { readPermissions } from "./permission-arguments.ts";
import type { ToolContext } from "./port.ts";
import { possible } from "./request-permissions.ts";
import { type Arguments, CallError } from "./tool-arguments.ts";

const asking = "with_additional_permissions";

/** Undefined: nothing, or nothing that was not granted before. Throws `CallError`. */
export function commandWish(input: Arguments, cwd: string, context: ToolContext): Wish | undefined {
  const mode = input.optionalText("sandbox_permissions");
  const given = input.optionalMember("additional_permissions");
  if (given === undefined && mode !== asking) return undefined;
  if (mode !== undefined && mode !== asking) {
    throw new CallError(
      `\`additional_permissions\` requires \`sandbox_permissions\` set to \`${asking}\``,
    );
  }
  if (given === undefined) {
    throw new CallError(
      `missing \`additional_permissions\`; provide at least one of \`network\` or \`file_system\` when using \`${asking}\``,
    );
  }
  const asked = readPermissions(given, cwd);
  if (!asked) {
    throw new CallError(
      "`additional_permissions` must include at least one requested permission in `network` or `file_system`",
    );
  }
  // without limits there is nothing to add
  if (context.permissionProfile.type !== "managed") return undefined;
  const { grants } = context;
  const wish = grants && possible(asked, grants, context);
  if (wish && isGrantedAlready(wish, grants.granted)) return undefined;
  if (!wish || !grants.isPerCommand) {
    throw new CallError(
      `additional permissions are disabled; enable \`features.exec_permission_approvals\` before using \`${asking}\``,
    );
  }
  return wish;
}

/**
 * What a command is kept to in the sandbox, once its wish is granted. What runs because it only reads (`isKnown`) is,
 * without a profile, kept to just that.
 */
export function profileFor(
  { wish, isKnown }: { readonly wish: Wish | undefined; readonly isKnown: boolean },
  { permissionProfile, cwd }: ToolContext,
): PermissionProfile {
  if (isKnown && permissionProfile.type === "disabled")
    return profileForMode("read-only", plainWorkspace);
  if (!wish) return permissionProfile;
  const ground = groundAt(cwd);
  return withGrant(permissionProfile, stillThere(permissionsOf(wish), ground), ground);
}
