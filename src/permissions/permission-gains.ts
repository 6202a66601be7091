/** What a decision would allow that is not allowed now. */
import { isInside, accessTo, pathRules } from "./path-access.ts";
import type { ApprovalGains } from "../protocol/approval-gains.ts";
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import { hasNetwork, isUnconfined, pathsGained } from "./profile-algebra.ts";
import type { Ground } from "./path-access.ts";

/** Of something that runs under `after` while the rest runs under `before`; `proxied`: inside there is a proxy. */
export function gainsOf(
  before: PermissionProfile,
  after: PermissionProfile,
  ground: Ground,
  proxied = false,
): ApprovalGains {
  const network = hasNetwork(after) && !hasNetwork(before);
  if (isUnconfined(before)) return { ...nothing, sandbox: sandboxOf(before) };
  if (isUnconfined(after)) return { ...nothing, sandbox: "left", network: network || proxied };
  const gained = pathsGained(before, after, ground);
  const of = (access: "read" | "write"): string[] =>
    outermost(gained.flatMap((rule) => (rule.access === access ? [rule.path] : [])));
  const files = { read: of("read"), write: of("write") };
  return { ...nothing, sandbox: "kept", network, proxied: network && proxied, ...files };
}

/** Of a patch that writes these files. */
export function gainsOfWriting(
  paths: readonly string[],
  profile: PermissionProfile,
  ground: Ground,
): ApprovalGains {
  const rules = pathRules(profile, ground);
  const write = [...new Set(paths)].filter((path) => accessTo(path, rules) !== "write");
  return { ...nothing, sandbox: sandboxOf(profile), write };
}

/** Of a command that runs and wants to reach a host. */
export const gainsOfReaching = (host: string): ApprovalGains => ({
  ...nothing,
  sandbox: "kept",
  hosts: [host],
});

const nothing = { network: false, proxied: false, hosts: [], read: [], write: [] };

function sandboxOf({ type }: PermissionProfile): ApprovalGains["sandbox"] {
  if (type === "managed") return "kept";
  return type === "disabled" ? "none" : "external";
}

const outermost = (paths: readonly string[]): string[] =>
  paths.filter((path) => !paths.some((folder) => folder !== path && isInside(folder, path)));
