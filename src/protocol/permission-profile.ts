/** What an agent may reach: the one form in which this program keeps, answers and enforces it. */
import { z } from "zod";
import { AbsolutePath } from "./settings.ts";

/** `none` takes reading away too; newer clients spell it `deny`. */
export const FileSystemAccess = z.preprocess(
  (value) => (value === "deny" ? "none" : value),
  z.enum(["read", "write", "none"]),
);
export type FileSystemAccess = z.infer<typeof FileSystemAccess>;

/** Below a root: relative, without `..`. */
const Subpath = z
  .string()
  .refine(
    (path) => !path.startsWith("/") && !path.split(/[\\/]/).includes(".."),
    "must be relative and must not climb",
  );

/**
 * A place that each thread or machine has its own of. `root`: everything. `minimal`: what programs need to start.
 * `project_roots`: the thread's workspace folders, or `subpath` in each. `current_working_directory`: where a command runs.
 * `unknown`: a name of a later version; it gives nothing.
 */
export const SpecialPath = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("root") }),
  z.object({ kind: z.literal("minimal") }),
  z.object({ kind: z.literal("current_working_directory") }),
  z.object({ kind: z.literal("project_roots"), subpath: Subpath.nullable().default(null) }),
  z.object({ kind: z.literal("tmpdir") }),
  z.object({ kind: z.literal("slash_tmp") }),
  z.object({
    kind: z.literal("unknown"),
    path: z.string(),
    subpath: z.string().nullable().default(null),
  }),
]);
export type SpecialPath = z.infer<typeof SpecialPath>;

export const FileSystemPath = z.discriminatedUnion("type", [
  z.object({ type: z.literal("path"), path: AbsolutePath }),
  z.object({ type: z.literal("glob_pattern"), pattern: z.string().min(1) }),
  z.object({ type: z.literal("special"), value: SpecialPath }),
]);
export type FileSystemPath = z.infer<typeof FileSystemPath>;

/** A pattern can only take away: which files it will match is not known beforehand. */
export const FileSystemEntry = z
  .object({ path: FileSystemPath, access: FileSystemAccess })
  .refine(
    ({ path, access }) => path.type !== "glob_pattern" || access === "none",
    "a glob pattern can only deny",
  );
export type FileSystemEntry = z.infer<typeof FileSystemEntry>;

/** How deep below its fixed part a pattern is looked for, in folders. */
export const GlobScanMaxDepth = z.int().min(1);

export const FileSystemPermissions = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("restricted"),
    entries: z.array(FileSystemEntry),
    globScanMaxDepth: GlobScanMaxDepth.nullish().transform((depth) => depth ?? undefined),
  }),
  z.object({ type: z.literal("unrestricted") }),
]);
export type FileSystemPermissions = z.infer<typeof FileSystemPermissions>;

export const NetworkPermissions = z.object({ enabled: z.boolean() });
export type NetworkPermissions = z.infer<typeof NetworkPermissions>;

/**
 * `managed`: this program confines what runs. `disabled`: nothing does. `external`: somebody else does, for files;
 * the network is still said.
 */
export const PermissionProfile = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("managed"),
    fileSystem: FileSystemPermissions,
    network: NetworkPermissions,
  }),
  z.object({ type: z.literal("disabled") }),
  z.object({ type: z.literal("external"), network: NetworkPermissions }),
]);
export type PermissionProfile = z.infer<typeof PermissionProfile>;
export type ManagedProfile = Extract<PermissionProfile, { readonly type: "managed" }>;

/**
 * What somebody asks for, or was given, on top of a profile. Never a profile by itself: a member that is absent says
 * nothing. `read` and `write` are the older spelling of `entries`.
 */
export const AdditionalPermissions = z.object({
  network: z.object({ enabled: z.boolean().nullish() }).nullish(),
  fileSystem: z
    .object({
      read: z.array(AbsolutePath).nullish(),
      write: z.array(AbsolutePath).nullish(),
      entries: z.array(FileSystemEntry).nullish(),
      globScanMaxDepth: GlobScanMaxDepth.nullish(),
    })
    .nullish(),
});
export type AdditionalPermissions = z.infer<typeof AdditionalPermissions>;

/** Whether it asks for, or grants, anything at all. */
export function isAnything({ network, fileSystem }: AdditionalPermissions): boolean {
  const { read, write, entries } = fileSystem ?? {};
  const isFile = [read, write, entries].some((list) => (list ?? []).length > 0);
  return isFile || network?.enabled === true;
}

/** The named profile that is in force; `extends`: the one that it builds on. */
export const ActivePermissionProfile = z.object({
  id: z.string(),
  extends: z.string().nullable(),
});
export type ActivePermissionProfile = z.infer<typeof ActivePermissionProfile>;
