/** Permissions as calls name them: a profile by its name or spelled out, or the older sandbox policy. */
import { z } from "zod";
import type { Config } from "../config/port.ts";
import { method } from "../dispatch/define.ts";
import { configuredPermissions, permissionsNamed } from "../permissions/configured-profile.ts";
import type { Permissions } from "../permissions/configured-profile.ts";
import { policyOfProfile, profileForMode, profileOfPolicy } from "../permissions/legacy-policy.ts";
import {
  namedProfile,
  ProfileError,
  profileDescription,
  profileIds,
} from "../permissions/named-profile.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { PermissionProfile } from "../protocol/permission-profile.ts";
import type { FileSystemEntry } from "../protocol/permission-profile.ts";
import { AbsolutePath } from "../protocol/settings.ts";
import type { SandboxMode, SandboxPolicy } from "../protocol/settings.ts";
import { limitOf, PageLimit } from "./page-params.ts";

/** A profile's name; clients of the 0.128 generation say it in an object, with folders to write besides. */
const NamedWish = z.union([
  z.string(),
  z.looseObject({
    type: z.literal("profile"),
    id: z.string(),
    modifications: z
      .array(z.object({ type: z.literal("additionalWritableRoot"), path: AbsolutePath }))
      .nullish(),
  }),
]);
type NamedWish = z.infer<typeof NamedWish>;

/** In one member, a name or a profile spelled out. */
export const ProfileWish = z.union([z.string(), PermissionProfile]);
export type ProfileWish = z.infer<typeof ProfileWish>;

/** What calls take beside the older `sandbox` or `sandboxPolicy`, with which neither goes together. */
export const permissionParams = {
  permissions: NamedWish.nullish(),
  permissionProfile: PermissionProfile.nullish(),
};

interface Wishes {
  readonly permissions?: NamedWish | null | undefined;
  readonly permissionProfile?: PermissionProfile | null | undefined;
  readonly sandbox?: SandboxMode | null | undefined;
  readonly sandboxPolicy?: SandboxPolicy | null | undefined;
}

/** Undefined where a call says nothing of permissions. */
export function permissionsOf(wishes: Wishes, config: () => Config): Permissions | undefined {
  refuseTwo(wishes);
  const { permissions, permissionProfile, sandbox, sandboxPolicy } = wishes;
  if (isSaid(permissions)) return named(permissions, config());
  if (permissionProfile) return { profile: permissionProfile, active: null };
  if (sandboxPolicy) return { profile: profileOfPolicy(sandboxPolicy), active: null };
  if (!sandbox) return undefined;
  return { profile: profileForMode(sandbox, config().workspaceWrite), active: null };
}

const members = ["permissions", "permissionProfile", "sandbox", "sandboxPolicy"] as const;

const isSaid = <T>(wish: T | null | undefined): wish is T => wish !== null && wish !== undefined;

/** One way of saying it a call. */
export function refuseTwo(wishes: Wishes): void {
  const [one, other] = members.filter((member) => isSaid(wishes[member]));
  if (other) throw invalidRequest(`\`${one}\` cannot be combined with \`${other}\``);
}

function named(wish: NamedWish, config: Config): Permissions {
  const id = typeof wish === "string" ? wish : wish.id;
  const roots = typeof wish === "string" ? [] : (wish.modifications ?? []);
  const found = loaded(() => permissionsNamed(id, config), "failed to load configuration");
  const { profile } = found;
  if (roots.length === 0 || profile.type !== "managed") return found;
  const { fileSystem } = profile;
  if (fileSystem.type === "unrestricted") return found;
  const added = roots.map(({ path }): FileSystemEntry => ({
    path: { type: "path", path },
    access: "write",
  }));
  const entries = [...fileSystem.entries, ...added];
  return { ...found, profile: { ...profile, fileSystem: { ...fileSystem, entries } } };
}

/** `work`; a name or a table that makes no sense is the caller's to hear of. */
export function loaded<T>(work: () => T, what: string): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    throw invalidRequest(`${what}: ${error.message}`, error);
  }
}

/** What the configuration gives where nobody says otherwise. */
export const permissionsUnder = (config: Config): Permissions =>
  loaded(() => configuredPermissions(config, "read-only"), "failed to load configuration");

/** The members of an answer: what is enforced, its name, and the older view of it. Null: somebody else confines. */
export const permissionsAnswer = ({ profile, active }: Permissions, cwd: string) => ({
  sandbox: policyOfProfile(profile),
  permissionProfile: profile.type === "external" ? null : spelledOut(profile, cwd),
  activePermissionProfile: active,
});

/** Patterns count from the thread's folder; who reads the answer may not know it. */
function spelledOut(profile: PermissionProfile, cwd: string): PermissionProfile {
  if (profile.type !== "managed" || profile.fileSystem.type === "unrestricted") return profile;
  const entries = profile.fileSystem.entries.map(({ path, access }): FileSystemEntry =>
    path.type === "glob_pattern" && !path.pattern.startsWith("/")
      ? { path: { ...path, pattern: `${cwd}/${path.pattern}` }, access }
      : { path, access },
  );
  return { ...profile, fileSystem: { ...profile.fileSystem, entries } };
}

export const permissionProfileList = method({
  name: "permissionProfile/list",
  stability: "experimental",
  role: "viewer",
  reach: "open",
  params: z.looseObject({
    cursor: z.string().nullish(),
    limit: PageLimit,
    cwd: z.string().nullish(),
  }),
  result: z.object({
    data: z.array(
      z.object({ id: z.string(), description: z.string().nullable(), allowed: z.boolean() }),
    ),
    nextCursor: z.string().nullable(),
  }),
  handle({ config }, { cursor, limit, cwd }) {
    const { permissionTables, requirements } = config.read({}, cwd ?? undefined);
    const ids = profileIds(permissionTables);
    const start = startOf(cursor, ids.length);
    const end = start + limitOf(limit, ids.length, ids.length);
    const data = ids.slice(start, end).map((id) => ({
      id,
      description: profileDescription(permissionTables, id),
      allowed:
        requirements.profileFault(id) === undefined &&
        makesSense(() => namedProfile(id, permissionTables)),
    }));
    return Promise.resolve({ data, nextCursor: end < ids.length ? String(end) : null });
  },
});

function startOf(cursor: string | null | undefined, count: number): number {
  if (cursor === null || cursor === undefined) return 0;
  const start = /^\d{1,9}$/.test(cursor) ? Number(cursor) : Infinity;
  if (start > count) throw invalidRequest(`invalid cursor: ${cursor}`);
  return start;
}

function makesSense(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof ProfileError) return false;
    throw error;
  }
}
