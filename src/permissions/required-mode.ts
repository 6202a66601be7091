/** Which of the older modes a profile comes to, for rules that name modes: the widest that it could be. */
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { SandboxMode } from "../protocol/settings.ts";

/** `realPath`: a path has many spellings, and links. */
export function modeOfProfile(
  profile: PermissionProfile,
  realPath: (path: string) => string,
): SandboxMode | "external-sandbox" {
  if (profile.type === "external") return "external-sandbox";
  if (profile.type === "disabled" || profile.fileSystem.type === "unrestricted")
    return "danger-full-access";
  const written = profile.fileSystem.entries.filter(({ access }) => access === "write");
  const isAll = written.some(({ path }) =>
    path.type === "special"
      ? path.value.kind === "root"
      : path.type === "path" && leadsToRoot(path.path, realPath),
  );
  if (isAll) return "danger-full-access";
  return written.length > 0 ? "workspace-write" : "read-only";
}

/** Links that run in a circle lead nowhere. */
function leadsToRoot(path: string, realPath: (path: string) => string): boolean {
  try {
    return realPath(path) === "/";
  } catch {
    return false;
  }
}
