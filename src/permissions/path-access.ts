/** What a profile gives at a path, once the places that it names are known. Nothing here touches the disk. */
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import picomatch from "picomatch";
import type {
  FileSystemAccess,
  FileSystemPath,
  PermissionProfile,
  SpecialPath,
} from "../protocol/permission-profile.ts";
import { unreachable } from "../util/unreachable.ts";

/** Where a thread or a command is. All paths are absolute. */
export interface Places {
  readonly cwd: string;
  readonly workspaceRoots: readonly string[];
  /** `$TMPDIR`, if it is set. */
  readonly tmpdir: string | undefined;
}

/** Where a profile is looked at: the folders that it counts from, and how symlinks are followed there. */
export interface Ground {
  readonly places: Places;
  /** Of the folders that the profile names; what is asked for later must be real too. */
  readonly realPath: (path: string) => string;
}

export interface PathRule {
  readonly path: string;
  readonly access: FileSystemAccess;
}

/** A profile's file part with concrete paths. `unrestricted` writes everywhere. */
export interface PathRules {
  readonly rules: readonly PathRule[];
  /** Absolute patterns whose matches are denied, whatever a rule says. */
  readonly deniedGlobs: readonly string[];
  /** Undefined: as deep as there are folders. */
  readonly globScanMaxDepth: number | undefined;
}

/** Folders that decide what other programs do; in a writable folder they stay read-only unless a rule names them. */
export const protectedNames: readonly string[] = [".git", ".agents", ".codex", ".aws"];
const protectedSet: ReadonlySet<string> = new Set(protectedNames);

/** What programs need to start. */
const minimalPaths = [
  "/bin",
  "/sbin",
  "/usr",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/etc",
  "/dev",
  "/proc",
  "/nix/store",
  "/run/current-system/sw",
];

export const rootWritable: PathRules = {
  rules: [{ path: "/", access: "write" }],
  deniedGlobs: [],
  globScanMaxDepth: undefined,
};

export function pathRules(profile: PermissionProfile, { places, realPath }: Ground): PathRules {
  if (profile.type !== "managed" || profile.fileSystem.type === "unrestricted") return rootWritable;
  const { entries, globScanMaxDepth } = profile.fileSystem;
  return {
    rules: entries.flatMap(({ path, access }) =>
      pathsOf(path, places).map((named) => ({ path: realPath(named), access })),
    ),
    deniedGlobs: entries.flatMap(({ path }) =>
      path.type === "glob_pattern" ? globsOf(path.pattern, places) : [],
    ),
    globScanMaxDepth,
  };
}

/** A relative pattern counts from each workspace folder. */
const globsOf = (pattern: string, { workspaceRoots }: Places): readonly string[] =>
  isAbsolute(pattern) ? [pattern] : workspaceRoots.map((root) => `${escapeGlob(root)}/${pattern}`);

const escapeGlob = (path: string): string => path.replaceAll(/[\\*?[\]{}()!+@|]/g, "\\$&");

function pathsOf(path: FileSystemPath, places: Places): readonly string[] {
  switch (path.type) {
    case "path":
      return [resolve(path.path)];
    case "glob_pattern":
      return [];
    case "special":
      return placesOf(path.value, places);
    default:
      return unreachable(path);
  }
}

function placesOf(
  special: SpecialPath,
  { cwd, workspaceRoots, tmpdir }: Places,
): readonly string[] {
  switch (special.kind) {
    case "root":
      return ["/"];
    case "minimal":
      return minimalPaths;
    case "current_working_directory":
      return [cwd];
    case "project_roots":
      return workspaceRoots.map((root) => join(root, special.subpath ?? ""));
    case "tmpdir":
      return tmpdir !== undefined && isAbsolute(tmpdir) ? [tmpdir] : [];
    case "slash_tmp":
      return ["/tmp"];
    case "unknown":
      return [];
    default:
      return unreachable(special);
  }
}

const strength = { read: 0, write: 1, none: 2 } as const;

/** The rule that names most of the path decides; of two for the same path the denial, then the write. */
export function accessTo(path: string, { rules, deniedGlobs }: PathRules): FileSystemAccess {
  if (isDenied(path, deniedGlobs)) return "none";
  let best: PathRule | undefined;
  for (const rule of rules) {
    if (!isInside(rule.path, path)) continue;
    const longer = rule.path.length - (best?.path.length ?? -1);
    const wins = longer === 0 && best && strength[rule.access] > strength[best.access];
    if (longer > 0 || wins) best = rule;
  }
  if (!best) return "none";
  if (best.access !== "write" || best.path === "/") return best.access;
  return holdsProtectedName(relative(best.path, path)) ? "read" : "write";
}

/** A file below a denied folder is denied with it. */
function isDenied(path: string, globs: readonly string[]): boolean {
  return globs.some((glob) => {
    const matches = matcherOf(glob);
    for (let at = path; ; at = at.slice(0, at.lastIndexOf(sep))) {
      if (at === "") return false;
      if (matches(at)) return true;
    }
  });
}

const matchers = new Map<string, (path: string) => boolean>();
const maxMatchers = 1000;

function matcherOf(glob: string): (path: string) => boolean {
  const known = matchers.get(glob);
  if (known) return known;
  if (matchers.size >= maxMatchers) matchers.clear();
  const made = picomatch(glob, { dot: true });
  matchers.set(glob, made);
  return made;
}

/** Whether `path` is `folder` or lies below it. Both are absolute and free of symlinks and `..`. */
export function isInside(folder: string, path: string): boolean {
  const inner = relative(folder, path);
  return !(inner === ".." || inner.startsWith(`..${sep}`) || isAbsolute(inner));
}

/** Case is ignored: some file systems do. */
const holdsProtectedName = (inner: string): boolean =>
  inner.split(sep).some((name) => protectedSet.has(name.toLowerCase()));
