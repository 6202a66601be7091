import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createConfigReader } from "../../../src/config/config-reader.ts";
import type { ConfigReader } from "../../../src/config/port.ts";
import { standardEnvironment } from "../../../src/permissions/shell-environment.ts";

let root: string;
const at = (...parts: readonly string[]): string => join(root, ...parts);

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "farhelm-environment-")));
});
afterEach(() => rmSync(root, { recursive: true }));

const store = (path: string, text: string): void => {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
};
const user = (lines: string): void =>
  store("home/config.toml", `[shell_environment_policy]\n${lines}\n`);

const reader = (sessionFlags: readonly string[] = []): ConfigReader =>
  createConfigReader({ codexHome: at("home"), systemFolder: at("etc"), sessionFlags });

const policy = (overrides: Readonly<Record<string, unknown>> = {}) =>
  reader().read(overrides).environmentPolicy;

describe("[shell_environment_policy]", () => {
  test("that says nothing is the standard one", () => {
    user("experimental_use_profile = true");
    expect(policy()).toEqual(standardEnvironment);
  });

  test("is read with all its members", () => {
    user(
      'inherit = "core"\nignore_default_excludes = true\nexclude = ["A*"]\ninclude_only = ["B"]\nset = { C = "d" }',
    );
    expect(policy()).toEqual({
      inherit: "core",
      ignoreDefaultExcludes: true,
      exclude: ["A*"],
      includeOnly: ["B"],
      set: { C: "d" },
      secretNames: [],
    });
  });

  test("names as filters are excluded or included", () => {
    user('filters = { "A*" = "exclude", B = "include", C = "exclude" }');
    expect(policy()).toMatchObject({ exclude: ["A*", "C"], includeOnly: ["B"] });
  });

  test("lies in layers: lists take the place of filters, and filters of lists", () => {
    user('exclude = ["A"]\nset = { X = "1" }');
    expect(policy({ "shell_environment_policy.filters": { B: "exclude" } })).toMatchObject({
      exclude: ["B"],
      set: { X: "1" },
    });
    user('filters = { A = "exclude", B = "exclude" }');
    expect(policy({ "shell_environment_policy.exclude": ["C"] })).toMatchObject({ exclude: ["C"] });
    expect(policy({ "shell_environment_policy.filters.b": "include" })).toMatchObject({
      exclude: ["A"],
      includeOnly: ["b"],
    });
    expect(policy({ "shell_environment_policy.set.Y": "2" })).toMatchObject({
      exclude: ["A", "B"],
      set: { Y: "2" },
    });
  });

  test.each([
    ['inherit = "some"', "unknown variant `some`, expected one of `core`, `all`, `none`"],
    ['exclude = "A"', 'invalid type: string "A", expected a sequence'],
    ["exclude = [1]", "invalid type: integer `1`, expected a string"],
    ["set = { A = 1 }", "invalid type: integer `1`, expected a string"],
    ['ignore_default_excludes = "no"', 'invalid type: string "no", expected a boolean'],
    ['filters = { A = "some" }', "unknown variant `some`, expected `include` or `exclude`"],
    [
      'filters = { A = "exclude", a = "include" }',
      "duplicate shell environment filter `a` ignoring case",
    ],
    [
      'filters = { A = "exclude" }\nexclude = ["B"]',
      "cannot mix `filters` with legacy `exclude` or `include_only`",
    ],
    [
      "filters = {}\ninclude_only = []",
      "cannot mix `filters` with legacy `exclude` or `include_only`",
    ],
  ])("with %s is refused", (lines, reason) => {
    user(lines);
    expect(policy).toThrow(reason);
  });

  test("takes the variables of providers and servers for secrets", () => {
    store(
      "home/config.toml",
      `[model_providers.a]\nname = "A"\nenv_key = "A_LOGIN"\nenv_http_headers = { "x-who" = "A_WHO" }\n[mcp_servers.b]\nurl = "http://x"\nbearer_token_env_var = "B_BEARER"\n`,
    );
    expect(policy().secretNames).toEqual(["A_LOGIN", "A_WHO", "B_BEARER"]);
  });
});

const trusted = (level: string): void => {
  store("home/config.toml", `[projects."${at("work")}"]\ntrust_level = "${level}"\n`);
  store("work/.git/HEAD", "");
};

describe("a project", () => {
  test("that is trusted shapes the environment, and does not lift the secrets' filter", () => {
    trusted("trusted");
    store(
      "work/.codex/config.toml",
      '[shell_environment_policy]\nignore_default_excludes = true\nset = { A = "1" }\n',
    );
    const config = reader().read({}, at("work"));
    expect(config.environmentPolicy).toEqual({ ...standardEnvironment, set: { A: "1" } });
    expect(config.notices).toEqual([
      expect.stringContaining("shell_environment_policy.ignore_default_excludes"),
    ]);
  });

  test("that is not trusted does neither", () => {
    trusted("untrusted");
    store("work/.codex/config.toml", '[shell_environment_policy]\nset = { A = "1" }\n');
    expect(reader().read({}, at("work")).environmentPolicy).toEqual(standardEnvironment);
  });
});
