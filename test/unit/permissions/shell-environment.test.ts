import { array, assert, constantFrom, property } from "fast-check";
import { describe, expect, test } from "vitest";
import type { ShellEnvironmentPolicy } from "../../../src/permissions/shell-environment.ts";
import {
  inheritedVariables,
  standardEnvironment,
} from "../../../src/permissions/shell-environment.ts";
import { wildcardMatches } from "../../../src/util/wildcard.ts";

const host = {
  PATH: "/bin",
  HOME: "/home/me",
  USER: "me",
  LANG: "C.UTF-8",
  TmpDir: "/tmp",
  SSH_AUTH_SOCK: "/run/agent",
  EDITOR: "vi",
  OLDPWD: "/",
  AWS_REGION: "here",
  AWS_ACCESS_KEY_ID: "s1",
  github_token: "s2",
  CLIENT_SECRET: "s3",
  PGPASSWORD: "s4",
  MYSQL_PWD: "s5",
  GOOGLE_APPLICATION_CREDENTIALS: "s6",
  DATABASE_URL: "s7",
  TEST_DATABASE_URL: "s8",
  SENTRY_DSN: "s9",
  GH_PAT: "s10",
  SSH_PASSPHRASE: "s11",
  LLM_LOGIN: "s12",
  GIT_CONFIG_COUNT: "s14",
  GIT_CONFIG_KEY_0: "s15",
  GIT_CONFIG_VALUE_0: "s16",
  GIT_AUTHOR_NAME: "me",
  FARHELM_HOME: "/keys",
  FARHELM_DEBUG: "1",
  CODEX_ACCESS: "s13",
  CODEX_HOME: "/codex",
  UNSET: undefined,
};
const secrets = Object.keys(host).filter((name) => /^s\d+$/.test(String(Reflect.get(host, name))));

const left = (policy: Partial<ShellEnvironmentPolicy>): readonly string[] =>
  Object.keys(
    inheritedVariables(host, {
      ...standardEnvironment,
      secretNames: ["LLM_LOGIN"],
      ...policy,
    }),
  ).toSorted();

const all = [
  "AWS_REGION",
  "CODEX_HOME",
  "EDITOR",
  "GIT_AUTHOR_NAME",
  "HOME",
  "LANG",
  "OLDPWD",
  "PATH",
  "SSH_AUTH_SOCK",
  "TmpDir",
  "USER",
];

describe("the agent's commands see", () => {
  test("what the host has, but for secrets and what is the host's own", () => {
    expect(left({})).toEqual(all);
  });

  test("secrets too where somebody says so, and still nothing of the host's own", () => {
    expect(left({ ignoreDefaultExcludes: true })).toEqual(
      [...all, ...secrets.filter((name) => name !== "CODEX_ACCESS")].toSorted(),
    );
  });

  test.each<[string, Partial<ShellEnvironmentPolicy>, readonly string[]]>([
    ["what a shell needs", { inherit: "core" }, ["HOME", "LANG", "PATH", "TmpDir", "USER"]],
    ["nothing", { inherit: "none" }, []],
    [
      "less what is excluded, whatever the case",
      { exclude: ["aws_*", "?DITOR", "TMPDIR", "HOM"] },
      all.filter((name) => !["AWS_REGION", "EDITOR", "TmpDir"].includes(name)),
    ],
    [
      "what is included alone",
      { includeOnly: ["path", "AWS_*", "*HOME"] },
      ["AWS_REGION", "CODEX_HOME", "HOME", "PATH"],
    ],
    [
      "of what is set, what is included",
      { inherit: "none", set: { A: "1", B: "2" }, includeOnly: ["A"] },
      ["A"],
    ],
  ])("%s", (_what, policy, names) => {
    expect(left(policy)).toEqual(names);
  });

  test("what is set, over what is inherited, excluded or secret", () => {
    const policy = { ...standardEnvironment, exclude: ["EDITOR"], inherit: "core" as const };
    const set = { EDITOR: "ed", HOME: "/set", GITHUB_TOKEN: "mine", FARHELM_HOME: "/no keys" };
    expect(inheritedVariables(host, { ...policy, set })).toEqual({
      PATH: "/bin",
      USER: "me",
      LANG: "C.UTF-8",
      TmpDir: "/tmp",
      ...set,
    });
  });
});

describe("a pattern", () => {
  test("matches as the expression with the same meaning does", () => {
    const letters = constantFrom("a", "b", ".", "*", "?");
    const text = array(letters, { maxLength: 12 }).map((parts) => parts.join(""));
    assert(
      property(text, text, (pattern, name) => {
        const source = pattern
          .replaceAll(".", "\\.")
          .replaceAll("*", "[^]*")
          .replaceAll("?", "[^]");
        expect(wildcardMatches(pattern, name)).toBe(new RegExp(`^${source}$`).test(name));
      }),
      { numRuns: 2000 },
    );
  });

  test("of many stars takes no long time", () => {
    const started = performance.now();
    expect(wildcardMatches(`${"*a".repeat(200)}*b`, "a".repeat(20_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
