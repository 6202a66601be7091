/** Permissions by the name of a profile. Those that need no `[permissions]` table stand for a sandbox mode. */
import { policyForMode } from "../permissions/sandbox-policy.ts";
import { invalidRequest } from "../protocol/errors.ts";
import type { SandboxMode } from "../protocol/settings.ts";
import type { SettingsOverride } from "../threads/port.ts";

const builtIn: ReadonlyMap<string, SandboxMode> = new Map([
  [":read-only", "read-only"],
  [":workspace", "workspace-write"],
  [":danger-full-access", "danger-full-access"],
]);

/** What `[sandbox_workspace_write]` gives counts for the mode of that name, not for a profile. */
const nothingMore = {
  writableRoots: [],
  networkAccess: false,
  excludeTmpdirEnvVar: false,
  excludeSlashTmp: false,
};

/** Nothing where no profile is named. `rival`: the member that says the same in another way. */
export function profileOverrideOf(
  id: string | null | undefined,
  rival: "sandbox" | "sandboxPolicy",
  rivalValue: unknown,
): Pick<SettingsOverride, "sandboxPolicy" | "profileId"> {
  if (id === null || id === undefined) return {};
  if (rivalValue) throw invalidRequest(`\`permissions\` cannot be combined with \`${rival}\``);
  const mode = builtIn.get(id);
  if (mode === undefined) {
    const why = id.startsWith(":")
      ? `refers to unknown built-in profile \`${id}\``
      : "requires a `[permissions]` table";
    throw invalidRequest(`failed to load configuration: default_permissions ${why}`);
  }
  return { profileId: id, sandboxPolicy: policyForMode(mode, nothingMore) };
}
