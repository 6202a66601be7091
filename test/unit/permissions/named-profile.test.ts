import { describe, expect, test } from "vitest";
import { accessTo, pathRules } from "../../../src/permissions/path-access.ts";
import { namedProfile, profileIds } from "../../../src/permissions/named-profile.ts";
import type { PermissionProfile } from "../../../src/protocol/permission-profile.ts";

const named = (id: string, tables?: unknown) => namedProfile(id, { tables, home: "/home/me" });
const places = { cwd: "/ws", workspaceRoots: ["/ws"], tmpdir: "/t" };
const accesses = (profile: PermissionProfile, ...paths: readonly string[]): readonly string[] => {
  const rules = pathRules(profile, { places, realPath: (path) => path });
  return paths.map((path) => accessTo(path, rules));
};

describe("a profile by its name", () => {
  test("of the built-in ones needs no table", () => {
    expect(profileIds({ tables: undefined, home: "/" })).toEqual([
      ":read-only",
      ":workspace",
      ":danger-full-access",
    ]);
    expect(named(":danger-full-access").profile).toEqual({ type: "disabled" });
    const { profile } = named(":workspace");
    expect(accesses(profile, "/ws/a", "/ws/.git/x", "/t/a", "/tmp/a", "/etc/hosts")).toEqual([
      "write",
      "read",
      "write",
      "write",
      "read",
    ]);
  });

  test("is its table of config.toml, entry by entry", () => {
    const tables = {
      dev: {
        description: "for work",
        filesystem: {
          glob_scan_max_depth: 3,
          ":minimal": "read",
          ":project_roots": { ".": "write", "**/*.env": "none", docs: "read" },
          ":later": "read",
          "/opt/data": "write",
          "/opt/data/keys/*": "deny",
          "~/notes": "write",
        },
        network: { enabled: true },
      },
    };
    const found = named("dev", tables);
    expect(found).toMatchObject({ id: "dev", extends: null, description: "for work" });
    expect(found.profile).toMatchObject({
      network: { enabled: true },
      fileSystem: { globScanMaxDepth: 3 },
    });
    const asked = {
      "/ws/a": "write",
      "/ws/docs/a": "read",
      "/ws/b/.env": "none",
      "/opt/data/a": "write",
      "/opt/data/keys/a": "none",
      "/home/me/notes/a": "write",
      "/home/me/a": "none",
      "/usr/bin/env": "read",
    };
    expect(accesses(found.profile, ...Object.keys(asked))).toEqual(Object.values(asked));
  });

  test("builds on another one: what it names takes the place of the same path", () => {
    const tables = {
      parent: { filesystem: { ":root": "read", "/opt": "write", "/srv": "none" } },
      child: {
        extends: "parent",
        filesystem: { "/opt": "read" },
        network: { enabled: true },
      },
      kid: { extends: ":workspace", filesystem: { "/opt": "write", ":tmpdir": "read" } },
    };
    const child = named("child", tables);
    expect(child.extends).toBe("parent");
    expect(accesses(child.profile, "/opt/a", "/srv/a", "/etc/a")).toEqual(["read", "none", "read"]);
    expect(child.profile).toMatchObject({ network: { enabled: true } });
    const { profile } = named("kid", tables);
    expect(accesses(profile, "/opt/a", "/ws/a", "/t/a")).toEqual(["write", "write", "read"]);
  });

  test.each([
    [":nope", undefined, "default_permissions refers to unknown built-in profile `:nope`"],
    ["dev", undefined, "default_permissions requires a `[permissions]` table"],
    ["dev", { other: {} }, "undefined profile `dev`"],
    ["dev", { dev: { filesystem: { rel: "read" } } }, "filesystem path `rel` must be absolute"],
    ["dev", { dev: { filesystem: { "/a": "sometimes" } } }, "permission profile `dev` is invalid"],
    ["dev", { dev: { filesystem: { "/a/*": "read" } } }, "a glob pattern can only deny"],
    ["dev", { dev: { filesystem: { glob_scan_max_depth: 0 } } }, "permission profile"],
    ["dev", { dev: { filesystem: { ":project_roots": { "../x": "write" } } } }, "leaves the work"],
    ["dev", { dev: { filesystem: { ":root": { etc: "read" } } } }, "no paths of its own"],
    ["dev", { dev: { extends: ":danger-full-access" } }, "which sets no limits"],
    ["a", { a: { extends: "b" }, b: { extends: "a" } }, "extends itself"],
    ["toString", {}, "undefined profile `toString`"],
  ])("%s of %j is refused", (id, tables, said) => {
    expect(() => named(id, tables)).toThrow(said);
  });
});
