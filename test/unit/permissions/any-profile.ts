/** Profiles, grants and the paths that tell them apart, for seeded runs. */
import * as fc from "fast-check";
import type { Ground } from "../../../src/permissions/path-access.ts";
import type {
  AdditionalPermissions,
  FileSystemEntry,
  FileSystemPath,
  ManagedProfile,
  PermissionProfile,
} from "../../../src/protocol/permission-profile.ts";
import type { SandboxPolicy } from "../../../src/protocol/settings.ts";

export const ground: Ground = {
  places: { cwd: "/w/a", workspaceRoots: ["/w", "/v"], tmpdir: "/t" },
  realPath: (path) => path,
};

const named = ["/", "/w", "/w/a", "/w/a/b", "/w/.git", "/w/.git/hooks", "/x", "/x/y", "/v"];

/** Where special places are; one stands for all that programs need to start. */
const special = ["/tmp", "/t", "/usr"];

/** Some at, some below and some beside everything that a profile here can name. */
export const probes: readonly string[] = [
  ...named,
  ...special,
  "/v/c",
  "/other",
  ...[...named, ...special].flatMap((path) =>
    ["file", ".git", ".CODEX/config.toml", "d/.env", "k.key", ".git/hooks/x"].map((inner) =>
      path === "/" ? `/${inner}` : `${path}/${inner}`,
    ),
  ),
];

const anyPath = fc.constantFrom(...named);
const anyPlace: fc.Arbitrary<FileSystemPath> = fc.oneof(
  anyPath.map((path) => ({ type: "path" as const, path })),
  fc
    .constantFrom(
      { kind: "root" as const },
      { kind: "minimal" as const },
      { kind: "current_working_directory" as const },
      { kind: "tmpdir" as const },
      { kind: "slash_tmp" as const },
      { kind: "project_roots" as const, subpath: null },
      { kind: "project_roots" as const, subpath: ".git" },
      { kind: "unknown" as const, path: ":later", subpath: null },
    )
    .map((value) => ({ type: "special" as const, value })),
);
const anyGlob: fc.Arbitrary<FileSystemEntry> = fc
  .constantFrom("/w/**/.env", "**/*.key", "/x/*")
  .map((pattern) => ({
    path: { type: "glob_pattern" as const, pattern },
    access: "none" as const,
  }));
const anyRule: fc.Arbitrary<FileSystemEntry> = fc.record({
  path: anyPlace,
  access: fc.constantFrom("read", "write", "none"),
});
const anyDepth = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined });
const anyNetwork = fc.record({ enabled: fc.boolean() });

const managedOf = (entry: fc.Arbitrary<FileSystemEntry>): fc.Arbitrary<ManagedProfile> =>
  fc.record({
    type: fc.constant("managed" as const),
    fileSystem: fc.record({
      type: fc.constant("restricted" as const),
      entries: fc.array(entry, { maxLength: 6 }),
      globScanMaxDepth: anyDepth,
    }),
    network: anyNetwork,
  });

/** Confined, without patterns: what it allows can be looked up path by path. */
export const anyRuleProfile = managedOf(anyRule);
/** Confined, with entries. */
export const anyConfined = managedOf(fc.oneof({ weight: 4, arbitrary: anyRule }, anyGlob));

export const anyProfile: fc.Arbitrary<PermissionProfile> = fc.oneof(
  { weight: 6, arbitrary: anyConfined },
  fc.record({
    type: fc.constant("managed" as const),
    fileSystem: fc.constant({ type: "unrestricted" as const }),
    network: anyNetwork,
  }),
  fc.constant({ type: "disabled" as const }),
  fc.record({ type: fc.constant("external" as const), network: anyNetwork }),
);

export const anyGrant: fc.Arbitrary<AdditionalPermissions> = fc.record({
  network: fc.option(fc.record({ enabled: fc.option(fc.boolean()) })),
  fileSystem: fc.option(
    fc.record({
      read: fc.option(fc.array(anyPath, { maxLength: 2 })),
      write: fc.option(fc.array(anyPath, { maxLength: 2 })),
      entries: fc.option(fc.array(anyRule, { maxLength: 3 })),
    }),
  ),
});

export const anyPolicy: fc.Arbitrary<SandboxPolicy> = fc.oneof(
  fc.constant({ type: "dangerFullAccess" as const }),
  fc.record({ type: fc.constant("readOnly" as const), networkAccess: fc.boolean() }),
  fc.record({
    type: fc.constant("externalSandbox" as const),
    networkAccess: fc.constantFrom("restricted", "enabled"),
  }),
  fc.record({
    type: fc.constant("workspaceWrite" as const),
    writableRoots: fc.array(
      anyPath.filter((path) => path !== "/"),
      { maxLength: 3 },
    ),
    networkAccess: fc.boolean(),
    excludeTmpdirEnvVar: fc.boolean(),
    excludeSlashTmp: fc.boolean(),
  }),
);
