/** What the model is told of its limits: so that it does not run into them, and asks for more where it can. */
import { homedir } from "node:os";
import { join } from "node:path";
import { askRule } from "../permissions/approval-policy.ts";
import { networkRules, type NetworkSources } from "../permissions/configured-network.ts";
import { ProfileError } from "../permissions/named-profile.ts";
import type { NetworkRules } from "../permissions/network-rules.ts";
import { accessTo, type Ground, pathRules, protectedNames } from "../permissions/path-access.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import type {
  ActivePermissionProfile,
  FileSystemEntry,
  PermissionProfile,
} from "../protocol/permission-profile.ts";
import type { ApprovalPolicy } from "../protocol/settings.ts";
import { groundAt } from "../util/ground.ts";
import { unreachable } from "../util/unreachable.ts";
import { toldOnce } from "./told-once.ts";

interface Limits {
  readonly cwd: string;
  readonly permissionProfile: PermissionProfile;
  readonly approvalPolicy: ApprovalPolicy;
  readonly activeProfile: ActivePermissionProfile | null;
  /** Where the rules of the network come from. */
  readonly network: NetworkSources;
}

/** More would be read by nobody. */
const maxNamed = 20;
const everything = "everything";

/** Nothing where `history` says it already. */
export function permissionNews(
  limited: Limits,
  history: readonly ModelItem[] = [],
): readonly ModelItem[] {
  const { permissionProfile, approvalPolicy } = limited;
  const lines = [...limits(limited), asking(approvalPolicy, permissionProfile)];
  return toldOnce("permissions", `\n${lines.join("\n")}\n`, history);
}

function limits(limited: Limits): readonly string[] {
  const { permissionProfile: profile, cwd } = limited;
  if (profile.type === "disabled") {
    return ["Nothing confines commands and patches: they can do whatever this user can."];
  }
  if (profile.type === "external") {
    return ["Something outside of this program confines what commands and patches can do."];
  }
  const { fileSystem, network } = profile;
  const files =
    fileSystem.type === "unrestricted"
      ? ["- Files: all may be read and written."]
      : fileLimits(fileSystem.entries, groundAt(cwd));
  return [
    "The machine keeps commands and patches to these limits:",
    ...files,
    network.enabled ? `- Network: ${networkLimits(limited)}` : "- Network: commands have none.",
    "- Unix sockets: none (no ssh-agent, gpg-agent or docker); what needs one must run outside of these limits.",
    "- Background: what a command starts ends with it, so keep servers in the foreground.",
    ...habits(profile, groundAt(cwd)),
  ];
}

/** What people do without a thought where a folder may be written, and cannot here. */
function habits(profile: PermissionProfile, ground: Ground): readonly string[] {
  const rules = pathRules(profile, ground);
  const isWritable = (path: string): boolean => accessTo(ground.realPath(path), rules) === "write";
  const { cwd } = ground.places;
  if (!isWritable(cwd)) return [];
  return [
    ...(isWritable(join(cwd, ".git"))
      ? []
      : [
          "- Commits: a `.git` that exists is read-only; git commit must run outside of these limits.",
        ]),
    ...(isWritable(homedir())
      ? []
      : [
          "- Caches: those in the home cannot be written; have npm_config_cache and the like name a folder that can.",
        ]),
  ];
}

function networkLimits({ network, activeProfile, approvalPolicy }: Limits): string {
  try {
    const rules = networkRules(network, activeProfile?.id ?? null);
    return rules ? proxied(rules, approvalPolicy) : "open to commands.";
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    return "its rules make no sense, so that no command with it runs until a person mends them.";
  }
}

function proxied(rules: NetworkRules, policy: ApprovalPolicy): string {
  const [allowed, denied] = [listed(rules.allowed), listed(rules.denied)];
  const isAsked = askRule(policy) !== "never" && !rules.isClosed;
  return [
    "commands have the HTTP proxy that HTTP_PROXY and HTTPS_PROXY name, and nothing past it.",
    `Hosts that it lets through: ${allowed || "none"}.`,
    ...(denied === "" ? [] : [`Never: ${denied}.`]),
    ...(rules.readsOnly ? ["Only GET, HEAD and OPTIONS over plain http."] : []),
    isAsked
      ? "A person is asked about others while the command waits."
      : "Others are refused; what a command reports says so.",
  ].join(" ");
}

function fileLimits(entries: readonly FileSystemEntry[], ground: Ground): readonly string[] {
  const named = (access: FileSystemEntry["access"]): string =>
    listed(
      entries.filter((entry) => entry.access === access).flatMap((entry) => nameOf(entry, ground)),
    );
  const [read, written, denied] = [named("read"), named("write"), named("none")];
  const readable =
    read === everything ? read : [read, written].filter((names) => names !== "").join(", ");
  const kept = `; ${protectedNames.join(", ")} in them stay as they are, unless they are named here`;
  return [
    `- May be read: ${readable || "nothing"}.`,
    `- May be written: ${written === "" ? "nothing" : `${written}${written === everything ? "" : kept}`}.`,
    ...(denied === "" ? [] : [`- May not even be read: ${denied}.`]),
  ];
}

function nameOf(entry: FileSystemEntry, ground: Ground): readonly string[] {
  const { path } = entry;
  if (path.type === "glob_pattern") return [path.pattern];
  if (path.type === "special" && path.value.kind === "minimal") return ["what programs need"];
  const alone: PermissionProfile = {
    type: "managed",
    fileSystem: { type: "restricted", entries: [entry], globScanMaxDepth: undefined },
    network: { enabled: false },
  };
  return pathRules(alone, ground).rules.map((rule) => rule.path);
}

function listed(names: readonly string[]): string {
  if (names.includes("/")) return everything;
  const all = [...new Set(names)];
  const left = all.length - maxNamed;
  return [...all.slice(0, maxNamed), ...(left > 0 ? [`${left} more`] : [])].join(", ");
}

function asking(policy: ApprovalPolicy, { type }: PermissionProfile): string {
  const rule = askRule(policy);
  switch (rule) {
    case "always":
      return "A person is asked before a command or a patch, unless the command is known only to read.";
    case "never":
      return "Nobody can be asked for more: what needs more is refused. Do what can be done, and say what could not.";
    case "whenNeeded":
      return type === "disabled"
        ? "Nobody is asked before they run."
        : 'What stays within runs without a question. A patch beyond is put to a person by itself; a command that needs more is, when you call it with sandbox_permissions "require_escalated" and a justification. Ask for what the task needs, and for nothing else.';
    default:
      return unreachable(rule);
  }
}
