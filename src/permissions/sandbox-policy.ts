/** What a sandbox policy allows, as facts about paths. Nothing here touches the disk. */
import { isAbsolute, relative, resolve, sep } from "node:path";
import type { SandboxMode, SandboxPolicy } from "../protocol/settings.ts";
import { unreachable } from "../util/unreachable.ts";

/** `[sandbox_workspace_write]` of config.toml. */
export interface WorkspaceWrite {
  readonly writableRoots: readonly string[];
  readonly networkAccess: boolean;
  readonly excludeTmpdirEnvVar: boolean;
  readonly excludeSlashTmp: boolean;
}

/** Folders that decide what other programs do; read-only wherever they lie inside a writable root. */
const readOnlyNames: ReadonlySet<string> = new Set([".git", ".codex"]);

/** The policy that a mode of config.toml or thread/start stands for. */
export function policyForMode(mode: SandboxMode, workspace: WorkspaceWrite): SandboxPolicy {
  switch (mode) {
    case "read-only":
      return { type: "readOnly", networkAccess: false };
    case "danger-full-access":
      return { type: "dangerFullAccess" };
    case "workspace-write":
      return {
        type: "workspaceWrite",
        writableRoots: [...workspace.writableRoots],
        networkAccess: workspace.networkAccess,
        excludeTmpdirEnvVar: workspace.excludeTmpdirEnvVar,
        excludeSlashTmp: workspace.excludeSlashTmp,
      };
    default:
      return unreachable(mode);
  }
}

/** Whether a policy takes away limits that config.toml sets, by its mode or by `[sandbox_workspace_write]`. */
export function isLooser(
  policy: SandboxPolicy,
  configured: SandboxPolicy,
  workspace: WorkspaceWrite,
): boolean {
  if (isOpen(configured)) return false;
  switch (policy.type) {
    case "dangerFullAccess":
    case "externalSandbox":
      return true;
    case "readOnly":
      return policy.networkAccess && !workspace.networkAccess;
    case "workspaceWrite":
      return (
        (policy.networkAccess && !workspace.networkAccess) ||
        (workspace.excludeSlashTmp && !policy.excludeSlashTmp) ||
        (workspace.excludeTmpdirEnvVar && !policy.excludeTmpdirEnvVar) ||
        policy.writableRoots.some((root) => !isGiven(root, workspace.writableRoots))
      );
    default:
      return unreachable(policy);
  }
}

export const isOpen = ({ type }: SandboxPolicy): boolean =>
  type === "dangerFullAccess" || type === "externalSandbox";

/** A relative root that does not climb lies in the agent's own folder. */
const isGiven = (root: string, roots: readonly string[]): boolean =>
  isAbsolute(root)
    ? roots.some((given) => isInside(given, root))
    : !root.split(/[\\/]/).includes("..");

/** Where a policy lets the agent write: `everywhere`, or inside a list of absolute folders. */
export type WritableArea =
  | { readonly kind: "everywhere" }
  | { readonly kind: "inside"; readonly roots: readonly string[] };

/** `tmpdir` is the value of `$TMPDIR`, if it is set. Roots come as they are named: symlinks are not resolved. */
export function writableArea(
  policy: SandboxPolicy,
  cwd: string,
  tmpdir: string | undefined,
): WritableArea {
  switch (policy.type) {
    case "dangerFullAccess":
    case "externalSandbox":
      return { kind: "everywhere" };
    case "readOnly":
      return { kind: "inside", roots: [] };
    case "workspaceWrite": {
      const roots = [cwd, ...policy.writableRoots.map((root) => resolve(cwd, root))];
      if (!policy.excludeSlashTmp) roots.push("/tmp");
      if (!policy.excludeTmpdirEnvVar && tmpdir !== undefined && isAbsolute(tmpdir)) {
        roots.push(tmpdir);
      }
      return { kind: "inside", roots: [...new Set(roots)] };
    }
    default:
      return unreachable(policy);
  }
}

/** Whether `path` may be written. Both it and the roots of `area` are real, absolute paths. */
export function isWritable(path: string, area: WritableArea): boolean {
  if (area.kind === "everywhere") return true;
  return area.roots.some((root) => {
    const inner = innerPath(root, path);
    return inner !== undefined && !holdsReadOnlyName(inner);
  });
}

/** Whether `path` is `folder` or lies below it. Both are absolute and free of symlinks and `..`. */
export function isInside(folder: string, path: string): boolean {
  return innerPath(folder, path) !== undefined;
}

function innerPath(folder: string, path: string): string | undefined {
  const inner = relative(folder, path);
  return inner === ".." || inner.startsWith(`..${sep}`) || isAbsolute(inner) ? undefined : inner;
}

/** Case is ignored: some file systems do. */
function holdsReadOnlyName(inner: string): boolean {
  return inner.split(sep).some((name) => readOnlyNames.has(name.toLowerCase()));
}
