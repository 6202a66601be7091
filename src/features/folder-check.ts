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
  if (mayUnconfine(principal.role, host.policy) || !isObeyed(cwd, host.codexHome)) return;
  const settings = config.read({}, cwd);
  const configured = loaded(
    () => configuredPermissions(settings, settings.defaultSandboxMode).profile,
    "failed to load configuration",
  );
  if (isUnconfined(configured)) return;
  const ground = groundAt(cwd);
  if (accessTo(realPath(cwd), pathRules(profile ?? configured, ground)) !== "write") return;
  throw deniedRequest(
    "role",
    `letting commands write in ${cwd}, whose files decide what your programs do, needs the role admin; this connection has ${principal.role}. Name a project's folder, or ask an admin.`,
  );
}

/** The home folder and what is above it, its hidden folders, Codex's home, and what belongs to a repository or a project's settings. */
function isObeyed(cwd: string, codexHome: string): boolean {
  const [at, home, codex] = [cwd, homedir(), codexHome].map((path) => realPath(path));
  if (at === undefined || home === undefined || codex === undefined) return true;
  return (
    isInside(at, home) ||
    isInside(at, codex) ||
    isInside(codex, at) ||
    (isInside(home, at) && relative(home, at).startsWith(".")) ||
    /\/\.(?:git|codex)(?:\/|$)/i.test(at)
  );
}
