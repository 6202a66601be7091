/** A permission profile as rollouts spell it: by the workspace's own path, in snake_case, with the older policy beside it. */
import { join } from "node:path";
import { policyOfProfile, profileOfPolicy } from "../../permissions/legacy-policy.ts";
import { protectedNames } from "../../permissions/path-access.ts";
import { PermissionProfile } from "../../protocol/permission-profile.ts";
import type { FileSystemEntry, FileSystemPath } from "../../protocol/permission-profile.ts";
import type { SandboxPolicy } from "../../protocol/settings.ts";
import { isRecord } from "../../util/is-record.ts";
import { unreachable } from "../../util/unreachable.ts";
import { recordOf, textsOf } from "./members.ts";
import type { Json } from "./members.ts";

const kebab = {
  dangerFullAccess: "danger-full-access",
  readOnly: "read-only",
  externalSandbox: "external-sandbox",
  workspaceWrite: "workspace-write",
} as const;

/** The older policy that comes nearest. */
export function encodePolicy(profile: PermissionProfile): Json {
  const policy = policyOfProfile(profile);
  const type = kebab[policy.type];
  switch (policy.type) {
    case "dangerFullAccess":
      return { type };
    case "readOnly":
      return policy.networkAccess ? { type, network_access: true } : { type };
    case "externalSandbox":
      return { type, network_access: policy.networkAccess };
    case "workspaceWrite":
      return {
        type,
        ...(policy.writableRoots.length > 0 ? { writable_roots: policy.writableRoots } : {}),
        network_access: policy.networkAccess,
        exclude_tmpdir_env_var: policy.excludeTmpdirEnvVar,
        exclude_slash_tmp: policy.excludeSlashTmp,
      };
    default:
      return unreachable(policy);
  }
}

export function encodeProfile(profile: PermissionProfile, cwd: string): Json {
  switch (profile.type) {
    case "disabled":
      return { type: "disabled" };
    case "external":
      return { type: "external", network: networkText(profile.network.enabled) };
    case "managed":
      return {
        type: "managed",
        file_system:
          profile.fileSystem.type === "unrestricted"
            ? { type: "unrestricted" }
            : { type: "restricted", ...restrictedPart(profile.fileSystem, cwd) },
        network: networkText(profile.network.enabled),
      };
    default:
      return unreachable(profile);
  }
}

/** The file part by itself, as stands in a turn's context where the older policy cannot say it. */
export function encodeFileSystem(profile: PermissionProfile, cwd: string): Json | undefined {
  if (profile.type !== "managed" || profile.fileSystem.type === "unrestricted") return undefined;
  const { entries } = profile.fileSystem;
  const isPlain = entries.every(
    ({ path, access }) =>
      path.type === "special" && path.value.kind === "root" && access === "read",
  );
  return isPlain ? undefined : { kind: "restricted", ...restrictedPart(profile.fileSystem, cwd) };
}

const networkText = (enabled: boolean): string => (enabled ? "enabled" : "restricted");

type Restricted = Extract<
  Extract<PermissionProfile, { readonly type: "managed" }>["fileSystem"],
  { readonly type: "restricted" }
>;

const restrictedPart = ({ entries, globScanMaxDepth }: Restricted, cwd: string): Json => ({
  entries: spelledOut(entries, cwd),
  ...(globScanMaxDepth === undefined ? {} : { glob_scan_max_depth: globScanMaxDepth }),
});

/** Every workspace has these, whether its profile names them or not. */
const impliedEntries = (cwd: string): readonly Json[] =>
  protectedNames.map((name) => ({
    path: { type: "path", path: join(cwd, name) },
    access: "read",
    missing_path_behavior: "skip",
  }));

function spelledOut(entries: readonly FileSystemEntry[], cwd: string): Json[] {
  const lines: Json[] = [];
  let implied: readonly Json[] = [];
  for (const { path, access } of entries) {
    if (isImplied(path, access)) {
      lines.push(...implied);
      implied = [];
      continue;
    }
    if (isWorkspace(path) && access === "write") implied = impliedEntries(cwd);
    lines.push({ path: encodePath(path, cwd), access });
  }
  return [...lines, ...implied];
}

const isWorkspace = (path: FileSystemPath): boolean =>
  path.type === "special" && path.value.kind === "project_roots" && path.value.subpath === null;

const isImplied = (path: FileSystemPath, access: string): boolean =>
  access === "read" &&
  path.type === "special" &&
  path.value.kind === "project_roots" &&
  protectedNames.includes(path.value.subpath ?? "");

/** The workspace by its path, as the stock program writes it; a place of its own name where there is none. */
function encodePath(path: FileSystemPath, cwd: string): Json {
  switch (path.type) {
    case "path":
      return { type: "path", path: path.path };
    case "glob_pattern":
      return {
        type: "glob_pattern",
        pattern: path.pattern.startsWith("/") ? path.pattern : `${cwd}/${path.pattern}`,
      };
    case "special": {
      const { value } = path;
      if (value.kind === "project_roots")
        return { type: "path", path: join(cwd, value.subpath ?? "") };
      if (value.kind === "current_working_directory") return { type: "path", path: cwd };
      const subpath = value.kind === "unknown" && value.subpath !== null;
      return {
        type: "special",
        value: {
          kind: value.kind,
          ...(value.kind === "unknown" && { path: value.path }),
          ...(subpath && { subpath: value.subpath }),
        },
      };
    }
    default:
      return unreachable(path);
  }
}

/** A turn's context's profile; that of its older policy, or the most careful one, where it has none that can be read. */
export function decodeProfile(context: Json, cwd: string): PermissionProfile {
  const stored = context["permission_profile"];
  const read = isRecord(stored) ? PermissionProfile.safeParse(wireShape(stored, cwd)) : undefined;
  return read?.success ? read.data : profileOfPolicy(decodePolicy(context["sandbox_policy"]));
}

/** Before profiles had types, one was its two parts, either of which could be missing. */
function wireShape(stored: Json, cwd: string): unknown {
  const network = { enabled: isEnabled(stored["network"]) };
  switch (stored["type"]) {
    case "disabled":
      return { type: "disabled" };
    case "external":
      return { type: "external", network };
    case undefined:
    case "managed":
      return { type: "managed", fileSystem: fileSystemShape(stored["file_system"], cwd), network };
    default:
      return undefined;
  }
}

const isEnabled = (network: unknown): boolean =>
  network === "enabled" || recordOf(network)["enabled"] === true;

function fileSystemShape(part: unknown, cwd: string): unknown {
  if (!isRecord(part)) return undefined;
  if (part["type"] === "unrestricted" || part["kind"] === "unrestricted") {
    return { type: "unrestricted" };
  }
  const entries = Array.isArray(part["entries"]) ? part["entries"] : [];
  const [read, write] = [textsOf(part["read"]), textsOf(part["write"])];
  return {
    type: "restricted",
    entries: [
      ...symbolic(entries.map(recordOf), cwd),
      ...read.map((path) => ({ path: { type: "path", path }, access: "read" })),
      ...write.map((path) => ({ path: { type: "path", path }, access: "write" })),
    ],
    globScanMaxDepth: part["glob_scan_max_depth"],
  };
}

/** The workspace's path gives way to its name, so that the profile holds wherever the thread goes. */
function symbolic(entries: readonly Json[], cwd: string): unknown[] {
  const named = entries.map(({ path, access }) => {
    const { type, path: text } = recordOf(path);
    if (type !== "path" || typeof text !== "string" || cwd === "") return { path, access };
    if (text === cwd) return root(null, access);
    const name = protectedNames.find((kept) => text === join(cwd, kept));
    return name !== undefined && access === "read" ? root(name, access) : { path, access };
  });
  // the profile's own spelling names all but this one
  return named.filter(({ path }) => recordOf(recordOf(path)["value"])["subpath"] !== ".aws");
}

const root = (subpath: string | null, access: unknown) => ({
  path: { type: "special", value: { kind: "project_roots", subpath } },
  access,
});

/** The stored policy, or the most careful one where it is missing or unknown. */
function decodePolicy(stored: unknown): SandboxPolicy {
  const policy = recordOf(stored);
  const network = policy["network_access"];
  // The oldest files call the type a mode, or have nothing else.
  switch (policy["type"] ?? policy["mode"] ?? stored) {
    case "danger-full-access":
      return { type: "dangerFullAccess" };
    case "external-sandbox":
      return {
        type: "externalSandbox",
        networkAccess: network === "enabled" ? "enabled" : "restricted",
      };
    case "workspace-write":
      return {
        type: "workspaceWrite",
        writableRoots: textsOf(policy["writable_roots"]),
        networkAccess: network === true,
        excludeTmpdirEnvVar: policy["exclude_tmpdir_env_var"] === true,
        excludeSlashTmp: policy["exclude_slash_tmp"] === true,
      };
    default:
      return { type: "readOnly", networkAccess: network === true };
  }
}
