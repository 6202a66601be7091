/** Where those who may not take the sandbox away may not let the agent, or a command, write: in what people's programs obey. */
import { homedir } from "node:os";
import { relative } from "node:path";
import type { Context } from "../dispatch/context.ts";
import { configuredPermissions } from "../permissions/configured-profile.ts";
import { accessTo, isInside, pathRules } from "../permissions/path-access.ts";
import { isUnconfined } from "../permissions/profile-algebra.ts";
import { deniedRequest } from "../protocol/errors.ts";
import { mayUnconfine } from "../protocol/host-policy.ts";
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import { groundAt } from "../util/ground.ts";
import { realPath } from "../util/real-path.ts";
import { loaded } from "./permission-profile.ts";

type Caller = Pick<Context, "config" | "principal" | "host">;

/**
 * `cwd` is what the caller names, absolute; undefined profile: what is configured for work there. The host's own
 * default folder is its owner's choice. Throws the refusal.
 */
export function checkFolder(
  { config, principal, host }: Caller,
  cwd: string | undefined,
  profile?: PermissionProfile,
): void {
  if (cwd === undefined || cwd === host.defaultCwd) return;
  if (mayUnconfine(principal.role, host.policy)) return;
  const real = realPath(cwd);
  if (!isObeyed(real, realPath(homedir()), realPath(host.codexHome))) return;
  const settings = config.read({}, cwd);
  const configured = loaded(
    () => configuredPermissions(settings, settings.defaultSandboxMode).profile,
    "failed to load configuration",
  );
  if (isUnconfined(configured)) return;
  if (accessTo(real, pathRules(profile ?? configured, groundAt(cwd))) !== "write") return;
  throw deniedRequest(
    "role",
    `letting commands write in ${cwd}, whose files decide what your programs do, needs the role admin; this connection has ${principal.role}. Name a project's folder, or ask an admin.`,
  );
}

/** The home folder and what is above it, its hidden folders, Codex's home, and what belongs to a repository or a project's settings. */
const isObeyed = (folder: string, home: string, codexHome: string): boolean =>
  isInside(folder, home) ||
  isInside(folder, codexHome) ||
  isInside(codexHome, folder) ||
  (isInside(home, folder) && relative(home, folder).startsWith(".")) ||
  /\/\.(?:git|codex)(?:\/|$)/i.test(folder);
