/** Permission profiles by name: the built-in ones, and `[permissions.NAME]` of config.toml. */
import { posix } from "node:path";
import { z } from "zod";
import { FileSystemAccess, PermissionProfile } from "../protocol/permission-profile.ts";
import type {
  FileSystemEntry,
  FileSystemPath,
  ManagedProfile,
  SpecialPath,
} from "../protocol/permission-profile.ts";
import { isRecord } from "../util/is-record.ts";
import { plainWorkspace, profileForMode } from "./legacy-policy.ts";

export interface NamedProfile {
  readonly id: string;
  /** The profile that it builds on. */
  readonly extends: string | null;
  readonly description: string | null;
  readonly profile: PermissionProfile;
}

/** A name that stands for nothing, or a table that makes no sense. The message says which and why. */
export class ProfileError extends Error {
  override readonly name = "ProfileError";
}

/** `permissions` of config.toml, and the folder that `~` stands for. */
export interface ProfileTables {
  readonly tables: unknown;
  readonly home: string;
}

const builtIn: ReadonlyMap<string, PermissionProfile> = new Map([
  [":read-only", profileForMode("read-only", plainWorkspace)],
  [":workspace", profileForMode("workspace-write", plainWorkspace)],
  [":danger-full-access", profileForMode("danger-full-access", plainWorkspace)],
]);

const FileSystemTable = z.record(
  z.string(),
  z.union([FileSystemAccess, z.record(z.string(), FileSystemAccess), z.number()]),
);
const ProfileTable = z.looseObject({
  extends: z.string().optional(),
  description: z.string().optional(),
  filesystem: FileSystemTable.optional(),
  network: z.looseObject({ enabled: z.boolean().optional() }).optional(),
});
type ProfileTable = z.infer<typeof ProfileTable>;

/** The names that there are: the built-in ones first. */
export const profileIds = ({ tables }: ProfileTables): readonly string[] => [
  ...builtIn.keys(),
  ...(isRecord(tables) ? Object.keys(tables).toSorted() : []),
];

/** What a table says of itself, whether or not it makes sense. */
export function profileDescription({ tables }: ProfileTables, id: string): string | null {
  const table = isRecord(tables) ? tables[id] : undefined;
  const text = isRecord(table) ? table["description"] : undefined;
  return typeof text === "string" ? text : null;
}

/** Throws `ProfileError`. */
export function namedProfile(id: string, source: ProfileTables): NamedProfile {
  return resolveNamed(id, source, []);
}

function resolveNamed(
  id: string,
  source: ProfileTables,
  children: readonly string[],
): NamedProfile {
  const plain = builtIn.get(id);
  if (plain) return { id, extends: null, description: null, profile: plain };
  if (id.startsWith(":")) {
    throw new ProfileError(`default_permissions refers to unknown built-in profile \`${id}\``);
  }
  if (!isRecord(source.tables)) {
    throw new ProfileError("default_permissions requires a `[permissions]` table");
  }
  if (!Object.hasOwn(source.tables, id)) {
    throw new ProfileError(
      `default_permissions refers to undefined profile \`${id}\`; define it as \`[permissions.${id}]\``,
    );
  }
  if (children.includes(id)) {
    throw new ProfileError(`permission profile \`${id}\` extends itself; break the circle`);
  }
  const table = ProfileTable.safeParse(source.tables[id]);
  if (!table.success) {
    throw new ProfileError(
      `permission profile \`${id}\` is invalid: ${z.prettifyError(table.error)}`,
    );
  }
  const parent =
    table.data.extends === undefined
      ? undefined
      : resolveNamed(table.data.extends, source, [...children, id]);
  return {
    id,
    extends: parent?.id ?? null,
    description: table.data.description ?? null,
    profile: profileOfTable(table.data, restrictedParent(id, parent), source.home),
  };
}

type Restricted = Extract<ManagedProfile["fileSystem"], { readonly type: "restricted" }>;
interface Parent {
  readonly fileSystem: Restricted;
  readonly network: boolean;
}

const nothing: Parent = {
  fileSystem: { type: "restricted", entries: [], globScanMaxDepth: undefined },
  network: false,
};

function restrictedParent(id: string, parent: NamedProfile | undefined): Parent {
  if (!parent) return nothing;
  const { profile } = parent;
  if (profile.type !== "managed" || profile.fileSystem.type !== "restricted") {
    throw new ProfileError(
      `permission profile \`${id}\` cannot extend \`${parent.id}\`, which sets no limits`,
    );
  }
  return { fileSystem: profile.fileSystem, network: profile.network.enabled };
}

/** What a table names takes the place of the same path in its parent. */
function profileOfTable(table: ProfileTable, parent: Parent, home: string): PermissionProfile {
  const own = entriesOf(table.filesystem ?? {}, home);
  const named = new Set(own.map(({ path }) => JSON.stringify(path)));
  const kept = parent.fileSystem.entries.filter(({ path }) => !named.has(JSON.stringify(path)));
  const depth = table.filesystem?.["glob_scan_max_depth"];
  const profile = PermissionProfile.safeParse({
    type: "managed",
    fileSystem: {
      type: "restricted",
      entries: [...kept, ...own],
      globScanMaxDepth: depth ?? parent.fileSystem.globScanMaxDepth,
    },
    network: { enabled: table.network?.enabled ?? parent.network },
  });
  if (profile.success) return profile.data;
  throw new ProfileError(`permission profile is invalid: ${z.prettifyError(profile.error)}`);
}

function entriesOf(table: z.infer<typeof FileSystemTable>, home: string): FileSystemEntry[] {
  return Object.keys(table)
    .filter((key) => key !== "glob_scan_max_depth")
    .toSorted()
    .flatMap((key): FileSystemEntry[] => {
      const value = table[key];
      if (typeof value === "number" || value === undefined) {
        throw new ProfileError(`filesystem access of \`${key}\` must be "read", "write" or "deny"`);
      }
      if (typeof value === "string") return [{ path: pathOf(key, ".", home), access: value }];
      return Object.entries(value)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([inner, access]) => ({ path: pathOf(key, inner, home), access }));
    });
}

const isGlob = (text: string): boolean => /[*?[{]/.test(text);

/** A key of the table and, where it names a table itself, a path in it; `.`: the whole. */
function pathOf(key: string, inner: string, home: string): FileSystemPath {
  if (key.startsWith(":")) return specialPath(key, inner);
  const base = key === "~" || key.startsWith("~/") ? posix.join(home, key.slice(1)) : key;
  if (!base.startsWith("/")) {
    throw new ProfileError(
      `filesystem path \`${key}\` must be absolute, use \`~/...\`, or start with \`:\``,
    );
  }
  const path = posix.join(base, inner);
  return isGlob(path) ? { type: "glob_pattern", pattern: path } : { type: "path", path };
}

function specialPath(key: string, inner: string): FileSystemPath {
  const subpath = inner === "." ? null : posix.normalize(inner);
  const inWorkspace = key === ":project_roots" || key === ":workspace_roots";
  if (subpath !== null && inWorkspace && isGlob(subpath)) {
    return { type: "glob_pattern", pattern: subpath };
  }
  return { type: "special", value: inWorkspace ? rootsAt(subpath) : placeOf(key, subpath) };
}

const rootsAt = (subpath: string | null): SpecialPath => {
  if (subpath?.startsWith("..") || subpath?.startsWith("/")) {
    throw new ProfileError(`filesystem path \`${subpath}\` leaves the workspace`);
  }
  return { kind: "project_roots", subpath };
};

const plainKinds = {
  ":root": "root",
  ":minimal": "minimal",
  ":cwd": "current_working_directory",
  ":tmpdir": "tmpdir",
  ":slash_tmp": "slash_tmp",
} as const;

function placeOf(key: string, subpath: string | null): SpecialPath {
  for (const [name, kind] of Object.entries(plainKinds)) {
    if (name !== key) continue;
    if (subpath === null) return { kind };
    throw new ProfileError(`\`${key}\` has no paths of its own; name them as absolute paths`);
  }
  return { kind: "unknown", path: key, subpath };
}
