/** The older sandbox policy as a view of a permission profile, and back. */
import { isAbsolute, normalize } from "node:path";
import type {
  FileSystemAccess,
  FileSystemEntry,
  PermissionProfile,
  SpecialPath,
} from "../protocol/permission-profile.ts";
import type { SandboxMode, SandboxPolicy } from "../protocol/settings.ts";
import { unreachable } from "../util/unreachable.ts";

/** `[sandbox_workspace_write]` of config.toml. */
export interface WorkspaceWrite {
  readonly writableRoots: readonly string[];
  readonly networkAccess: boolean;
  readonly excludeTmpdirEnvVar: boolean;
  readonly excludeSlashTmp: boolean;
}

/** What a sandbox mode stands for where no file says more. */
export const plainWorkspace: WorkspaceWrite = {
  writableRoots: [],
  networkAccess: false,
  excludeTmpdirEnvVar: false,
  excludeSlashTmp: false,
};

/** Of these, a profile for a workspace says in each workspace folder that they stay read-only. */
const saidReadOnly = [".git", ".agents", ".codex"];

const special = (value: SpecialPath, access: FileSystemAccess): FileSystemEntry => ({
  path: { type: "special", value },
  access,
});

const everythingReadable = special({ kind: "root" }, "read");

/** The profile that a mode of config.toml or thread/start stands for. */
export function profileForMode(mode: SandboxMode, workspace: WorkspaceWrite): PermissionProfile {
  switch (mode) {
    case "read-only":
      return managed([everythingReadable], false);
    case "danger-full-access":
      return { type: "disabled" };
    case "workspace-write":
      return managed(workspaceEntries(workspace), workspace.networkAccess);
    default:
      return unreachable(mode);
  }
}

/** Names no folder of its own: the same policy gives the same profile in every thread. */
export function profileOfPolicy(policy: SandboxPolicy): PermissionProfile {
  switch (policy.type) {
    case "dangerFullAccess":
      return { type: "disabled" };
    case "externalSandbox":
      return { type: "external", network: { enabled: policy.networkAccess === "enabled" } };
    case "readOnly":
      return managed([everythingReadable], policy.networkAccess);
    case "workspaceWrite":
      return managed(workspaceEntries(policy), policy.networkAccess);
    default:
      return unreachable(policy);
  }
}

/**
 * The nearest older policy that allows no more files to be written. What it cannot say (denied paths, single files,
 * writing outside of a workspace) is left out: it is for showing, never for deciding.
 */
export function policyOfProfile(profile: PermissionProfile): SandboxPolicy {
  switch (profile.type) {
    case "disabled":
      return { type: "dangerFullAccess" };
    case "external":
      return externalPolicy(profile.network.enabled);
    case "managed":
      return profile.fileSystem.type === "unrestricted"
        ? openPolicy(profile.network.enabled)
        : policyOfEntries(profile.fileSystem.entries, profile.network.enabled);
    default:
      return unreachable(profile);
  }
}

const externalPolicy = (network: boolean): SandboxPolicy => ({
  type: "externalSandbox",
  networkAccess: network ? "enabled" : "restricted",
});

/** Every file, but not the network: the older policy says that of a sandbox of somebody else's. */
const openPolicy = (network: boolean): SandboxPolicy =>
  network ? { type: "dangerFullAccess" } : externalPolicy(false);

function policyOfEntries(entries: readonly FileSystemEntry[], network: boolean): SandboxPolicy {
  const written = entries.filter(({ access }) => access === "write");
  const writes = (kind: SpecialPath["kind"]): boolean =>
    written.some(({ path }) => path.type === "special" && isWhole(path.value, kind));
  if (writes("root")) {
    return entries.every(({ access }) => access !== "none")
      ? openPolicy(network)
      : externalPolicy(network);
  }
  if (!writes("project_roots") && !writes("current_working_directory")) {
    return { type: "readOnly", networkAccess: network };
  }
  return {
    type: "workspaceWrite",
    writableRoots: written.flatMap(({ path }) => (path.type === "path" ? [path.path] : [])),
    networkAccess: network,
    excludeTmpdirEnvVar: !writes("tmpdir"),
    excludeSlashTmp: !writes("slash_tmp"),
  };
}

const isWhole = (value: SpecialPath, kind: SpecialPath["kind"]): boolean =>
  value.kind === kind && (value.kind !== "project_roots" || value.subpath === null);

function workspaceEntries(workspace: WorkspaceWrite): FileSystemEntry[] {
  return [
    everythingReadable,
    special({ kind: "project_roots", subpath: null }, "write"),
    ...(workspace.excludeSlashTmp ? [] : [special({ kind: "slash_tmp" }, "write")]),
    ...(workspace.excludeTmpdirEnvVar ? [] : [special({ kind: "tmpdir" }, "write")]),
    ...saidReadOnly.map((subpath) => special({ kind: "project_roots", subpath }, "read")),
    ...workspace.writableRoots.map(writableRoot),
  ];
}

/** A relative one lies in each workspace folder; one that climbs out of it is no place. */
function writableRoot(path: string): FileSystemEntry {
  if (isAbsolute(path)) return { path: { type: "path", path }, access: "write" };
  const subpath = normalize(path);
  return subpath.split("/").includes("..")
    ? special({ kind: "unknown", path, subpath: null }, "write")
    : special({ kind: "project_roots", subpath }, "write");
}

const managed = (entries: FileSystemEntry[], network: boolean): PermissionProfile => ({
  type: "managed",
  fileSystem: { type: "restricted", entries, globScanMaxDepth: undefined },
  network: { enabled: network },
});
