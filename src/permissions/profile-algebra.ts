/**
 * Comparing, widening and narrowing profiles. A rule names a path with everything below it, and no rule changes
 * anything between two rules; so what holds at each named path (and at the protected names below it) holds everywhere.
 */
import { join } from "node:path";
import type {
  AdditionalPermissions,
  FileSystemAccess,
  FileSystemEntry,
  ManagedProfile,
  PermissionProfile,
} from "../protocol/permission-profile.ts";
import { accessTo, isInside, pathRules, protectedNames } from "./path-access.ts";
import type { Ground, PathRule, PathRules } from "./path-access.ts";

const order = { none: 0, read: 1, write: 2 } as const;
const weaker = (one: FileSystemAccess, other: FileSystemAccess): FileSystemAccess =>
  order[one] <= order[other] ? one : other;

export const isAtMost = (one: FileSystemAccess, other: FileSystemAccess): boolean =>
  order[one] <= order[other];

/** Whether nothing of this program confines what runs. */
export const isUnconfined = ({ type }: PermissionProfile): boolean => type !== "managed";

export const hasNetwork = (profile: PermissionProfile): boolean =>
  profile.type !== "managed" || profile.network.enabled;

/** Whether two profiles say the same, in whatever order and however often. */
export function sameProfile(one: PermissionProfile, other: PermissionProfile): boolean {
  if (one.type !== other.type) return false;
  return canonicalText(one) === canonicalText(other);
}

function canonicalText(profile: PermissionProfile): string {
  if (profile.type !== "managed" || profile.fileSystem.type === "unrestricted") {
    return JSON.stringify(profile);
  }
  const { entries, globScanMaxDepth } = profile.fileSystem;
  const strongest = new Map<string, FileSystemAccess>();
  for (const { path, access } of entries) {
    const key = JSON.stringify(path);
    const known = strongest.get(key);
    if (known === undefined || known === "read" || access === "none") strongest.set(key, access);
  }
  const hasGlobs = entries.some(({ path }) => path.type === "glob_pattern");
  return JSON.stringify([
    profile.network.enabled,
    [...strongest].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    hasGlobs ? (globScanMaxDepth ?? null) : null,
  ]);
}

/** Whether `profile` allows nothing that `limit` does not. Where patterns are hard to compare, it says no. */
export function isWithin(
  profile: PermissionProfile,
  limit: PermissionProfile,
  ground: Ground,
): boolean {
  if (isUnconfined(limit)) return true;
  if (isUnconfined(profile) || (hasNetwork(profile) && !hasNetwork(limit))) return false;
  const [inner, outer] = [pathRules(profile, ground), pathRules(limit, ground)];
  const deniesAsMuch =
    outer.deniedGlobs.every((glob) => inner.deniedGlobs.includes(glob)) &&
    (outer.deniedGlobs.length === 0 || isAsDeep(inner.globScanMaxDepth, outer.globScanMaxDepth));
  return (
    deniesAsMuch &&
    tellingPaths(inner, outer).every(
      (path) => order[ruled(path, inner)] <= order[ruled(path, outer)],
    )
  );
}

const isAsDeep = (one: number | undefined, other: number | undefined): boolean =>
  one === undefined || (other !== undefined && one >= other);

/** Without the patterns, which are compared by themselves. */
const ruled = (path: string, rules: PathRules): FileSystemAccess =>
  accessTo(path, { ...rules, deniedGlobs: [] });

function tellingPaths(...all: readonly PathRules[]): readonly string[] {
  const paths = new Set(["/"]);
  for (const { path, access } of all.flatMap(({ rules }) => rules)) {
    paths.add(path);
    if (access === "write") for (const name of protectedNames) paths.add(join(path, name));
  }
  return [...paths];
}

/** The paths at which `after` gives more than `before`, with what it gives there. Both confine. */
export function pathsGained(
  before: PermissionProfile,
  after: PermissionProfile,
  ground: Ground,
): readonly PathRule[] {
  const [less, more] = [pathRules(before, ground), pathRules(after, ground)];
  return tellingPaths(less, more).flatMap((path) => {
    const access = accessTo(path, more);
    return isAtMost(access, accessTo(path, less)) ? [] : [{ path, access }];
  });
}

/** What both allow, with the paths of `ground` spelled out. */
export function intersection(
  one: PermissionProfile,
  other: PermissionProfile,
  ground: Ground,
): PermissionProfile {
  if (isUnconfined(one)) return other;
  if (isUnconfined(other)) return one;
  const [left, right] = [pathRules(one, ground), pathRules(other, ground)];
  const paths = new Set(["/", ...[...left.rules, ...right.rules].map(({ path }) => path)]);
  const entries = [...paths].map((path): FileSystemEntry => ({
    path: { type: "path", path },
    access: weaker(ruled(path, left), ruled(path, right)),
  }));
  const globs = new Set([...left.deniedGlobs, ...right.deniedGlobs]);
  return {
    type: "managed",
    fileSystem: {
      type: "restricted",
      entries: [...entries, ...[...globs].map(deniedGlob)],
      globScanMaxDepth: deepest(left, right),
    },
    network: { enabled: hasNetwork(one) && hasNetwork(other) },
  };
}

const deniedGlob = (pattern: string): FileSystemEntry => ({
  path: { type: "glob_pattern", pattern },
  access: "none",
});

/** Of those that have patterns. */
function deepest(...all: readonly PathRules[]): number | undefined {
  const depths = all
    .filter(({ deniedGlobs }) => deniedGlobs.length > 0)
    .map(({ globScanMaxDepth }) => globScanMaxDepth ?? Infinity);
  const depth = Math.max(0, ...depths);
  return depth === 0 || depth === Infinity ? undefined : depth;
}

/** The profile with what a person granted. What the profile denies stays denied. */
export function withGrant(
  profile: PermissionProfile,
  grant: AdditionalPermissions,
  ground: Ground,
): PermissionProfile {
  if (profile.type !== "managed") return profile;
  const network = { enabled: profile.network.enabled || grant.network?.enabled === true };
  if (profile.fileSystem.type === "unrestricted") return { ...profile, network };
  const denied = deniedPaths(profile, ground);
  const present = pathRules(profile, ground);
  const added = grantEntries(grant)
    .filter((entry) => !liesIn(entry, denied, ground))
    .flatMap((entry) => whatWidens(entry, present, ground));
  const { fileSystem } = profile;
  return {
    type: "managed",
    fileSystem: { ...fileSystem, entries: [...fileSystem.entries, ...added] },
    network,
  };
}

/** A rule that gives less than there is would take away: the more telling path decides. */
function whatWidens(
  entry: FileSystemEntry,
  present: PathRules,
  ground: Ground,
): readonly FileSystemEntry[] {
  const { rules } = pathRules(onlyEntries([entry]), ground);
  const wider = rules.filter(({ path, access }) => order[ruled(path, present)] < order[access]);
  return wider.length === rules.length
    ? [entry]
    : wider.map(({ path, access }) => pathEntry(path, access));
}

/** Both spellings of what is asked for; a denial is no grant. */
export const grantEntries = ({ fileSystem }: AdditionalPermissions): readonly FileSystemEntry[] => [
  ...(fileSystem?.read ?? []).map((path) => pathEntry(path, "read")),
  ...(fileSystem?.write ?? []).map((path) => pathEntry(path, "write")),
  ...(fileSystem?.entries ?? []).filter(({ access }) => access !== "none"),
];

const pathEntry = (path: string, access: FileSystemAccess): FileSystemEntry => ({
  path: { type: "path", path },
  access,
});

/** An entry that is cut at one of its places falls into one entry for each. */
const clamped = (
  entries: readonly FileSystemEntry[],
  limit: PathRules,
  ground: Ground,
): readonly FileSystemEntry[] =>
  entries.flatMap((entry) => {
    const { rules } = pathRules(onlyEntries([entry]), ground);
    const cut = rules.map(({ path, access }) =>
      pathEntry(path, weaker(access, ruled(path, limit))),
    );
    return cut.every(({ access }) => access === entry.access) ? [entry] : cut;
  });

const onlyEntries = (entries: readonly FileSystemEntry[]): ManagedProfile => ({
  type: "managed",
  fileSystem: { type: "restricted", entries: [...entries], globScanMaxDepth: undefined },
  network: { enabled: false },
});

/**
 * A profile that takes the place of `configured` and keeps what that one denies, with the exceptions below a denied
 * folder and the depth of its patterns. Without limits of its own it becomes `:root = write` and the denials.
 */
export function withDeniesOf(
  profile: PermissionProfile,
  configured: PermissionProfile,
  ground: Ground,
): PermissionProfile {
  const said = entriesOf(configured);
  if (said.every(({ access }) => access !== "none")) return profile;
  const denied = deniedPaths(configured, ground);
  const inDenied = (entry: FileSystemEntry): boolean => liesIn(entry, denied, ground);
  const [own, limit] = [pathRules(profile, ground), pathRules(configured, ground)];
  const ownEntries = entriesOf(profile);
  const entries = [
    ...ownEntries.filter((entry) => !inDenied(entry)),
    ...clamped(ownEntries.filter(inDenied), limit, ground),
    ...said.filter(({ path }) => path.type === "glob_pattern"),
    ...clamped(said.filter(inDenied), own, ground),
  ];
  const texts = new Set(entries.map((entry) => JSON.stringify(entry)));
  return {
    type: "managed",
    fileSystem: {
      type: "restricted",
      entries: entries.filter((entry) => texts.delete(JSON.stringify(entry))),
      globScanMaxDepth: deepest(own, limit),
    },
    network: { enabled: hasNetwork(profile) },
  };
}

/** Of a profile without limits: everything may be written. */
const entriesOf = (profile: PermissionProfile): readonly FileSystemEntry[] =>
  profile.type === "managed" && profile.fileSystem.type === "restricted"
    ? profile.fileSystem.entries
    : [{ path: { type: "special", value: { kind: "root" } }, access: "write" }];

const deniedPaths = (profile: PermissionProfile, ground: Ground): readonly string[] =>
  pathRules(
    onlyEntries(entriesOf(profile).filter(({ access }) => access === "none")),
    ground,
  ).rules.map(({ path }) => path);

/** Whether any place of the entry is denied or below something denied. */
const liesIn = (entry: FileSystemEntry, denied: readonly string[], ground: Ground): boolean =>
  pathRules(onlyEntries([entry]), ground).rules.some(({ path }) =>
    denied.some((folder) => isInside(folder, path)),
  );
