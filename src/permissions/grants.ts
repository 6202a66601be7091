/** Permissions on top of a profile: what is asked for, what of it can be given, and what an answer gives. */
import { isDeepStrictEqual } from "node:util";
import type {
  AdditionalPermissions,
  FileSystemEntry,
  PermissionProfile,
} from "../protocol/permission-profile.ts";
import { accessTo, pathRules } from "./path-access.ts";
import type { PathRule, PathRules } from "./path-access.ts";
import { grantEntries, isAtMost, withGrant } from "./profile-algebra.ts";
import type { Ground } from "./path-access.ts";

/**
 * `places`: where the entry led when it was asked for. What a person grants is what they were shown: a link that is
 * turned afterwards changes nothing.
 */
interface WishedEntry {
  readonly entry: FileSystemEntry;
  readonly places: readonly PathRule[];
}

/** Permissions that somebody wishes for, with every place spelled out. */
export interface Wish {
  readonly network: boolean;
  readonly entries: readonly WishedEntry[];
}

export function wishOf(asked: AdditionalPermissions, ground: Ground): Wish {
  const entries = grantEntries(asked).map((entry) => wished(entry, ground));
  return { network: asked.network?.enabled === true, entries: entries.filter(leadsSomewhere) };
}

const wished = (entry: FileSystemEntry, ground: Ground): WishedEntry => ({
  entry,
  places: pathRules(profileOf([entry]), ground).rules,
});

const profileOf = (entries: readonly FileSystemEntry[]): PermissionProfile => ({
  type: "managed",
  fileSystem: { type: "restricted", entries: [...entries], globScanMaxDepth: undefined },
  network: { enabled: false },
});

const leadsSomewhere = ({ places }: WishedEntry): boolean => places.length > 0;

export const isNothing = ({ network, entries }: Wish): boolean => !network && entries.length === 0;

/** The wish as permissions, in the places that it had. */
export const permissionsOf = ({ network, entries }: Wish): AdditionalPermissions => ({
  ...(network && { network: { enabled: true } }),
  ...(entries.length > 0 && { fileSystem: { entries: entriesOf(entries) } }),
});

const entriesOf = (entries: readonly WishedEntry[]): FileSystemEntry[] =>
  entries.flatMap(({ places }) =>
    places.map(({ path, access }) => ({ path: { type: "path" as const, path }, access })),
  );

/** Without what the profile denies: that is nobody's to grant. */
export function grantable(wish: Wish, profile: PermissionProfile, ground: Ground): Wish {
  const widened = withGrant(profile, permissionsOf(wish), ground);
  const rules = pathRules(widened, ground);
  return { ...wish, entries: wish.entries.filter((each) => isGiven(each, rules)) };
}

const isGiven = ({ places }: WishedEntry, rules: PathRules): boolean =>
  places.every(({ path, access }) => isAtMost(access, accessTo(path, rules)));

/** What of a wish an answer gives. An entry that goes beyond the wish counts for nothing. */
export function grantedOf(wish: Wish, answer: AdditionalPermissions, ground: Ground): Wish {
  const limit: PathRules = {
    rules: wish.entries.flatMap(({ places }) => places),
    deniedGlobs: [],
    globScanMaxDepth: undefined,
  };
  const entries = uniqueEntries(grantEntries(answer))
    .map((entry) => answered(entry, wish, ground))
    .filter((each) => leadsSomewhere(each) && isGiven(each, limit));
  return { network: wish.network && answer.network?.enabled === true, entries };
}

/** A path that was asked for stands for where it led then. */
function answered(entry: FileSystemEntry, wish: Wish, ground: Ground): WishedEntry {
  const known = wish.entries.find((each) => isDeepStrictEqual(each.entry.path, entry.path));
  if (known === undefined) return wished(entry, ground);
  return { entry, places: known.places.map(({ path }) => ({ path, access: entry.access })) };
}

export function mergedGrants(
  one: AdditionalPermissions,
  other: AdditionalPermissions,
): AdditionalPermissions {
  const network = one.network?.enabled === true || other.network?.enabled === true;
  const entries = uniqueEntries([...grantEntries(one), ...grantEntries(other)]);
  return {
    ...(network && { network: { enabled: true } }),
    ...(entries.length > 0 && { fileSystem: { entries: [...entries] } }),
  };
}

function uniqueEntries(entries: readonly FileSystemEntry[]): readonly FileSystemEntry[] {
  const texts = new Set(entries.map((entry) => JSON.stringify(entry)));
  return entries.filter((entry) => texts.delete(JSON.stringify(entry)));
}

/** Without the places that have become links since: what was granted is not what they lead to now. */
export function stillThere(
  granted: AdditionalPermissions,
  ground: Pick<Ground, "realPath">,
): AdditionalPermissions {
  const entries = grantEntries(granted).filter(
    ({ path }) => path.type !== "path" || isReal(path.path, ground),
  );
  return { ...granted, fileSystem: { entries } };
}

function isReal(path: string, { realPath }: Pick<Ground, "realPath">): boolean {
  try {
    return realPath(path) === path;
  } catch {
    return false;
  }
}

/** The wish with what was granted before, as clients know a command's permissions. */
export function besideGranted(wish: Wish, granted: AdditionalPermissions): Wish {
  const said = new Set(wish.entries.map(({ entry }) => JSON.stringify(entry)));
  const before = grantEntries(granted).filter((entry) => !said.has(JSON.stringify(entry)));
  return {
    network: wish.network || granted.network?.enabled === true,
    entries: [...wish.entries, ...before.map((entry) => ({ entry, places: [] }))],
  };
}

/** Whether all of the wish was granted before. */
export function isGrantedAlready(wish: Wish, granted: AdditionalPermissions): boolean {
  const known = new Set(grantEntries(granted).map((entry) => JSON.stringify(entry)));
  return (
    (!wish.network || granted.network?.enabled === true) &&
    entriesOf(wish.entries).every((entry) => known.has(JSON.stringify(entry)))
  );
}
