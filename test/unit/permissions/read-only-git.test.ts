import { describe, expect, test } from "vitest";
import { readOnlyGit } from "../../../src/permissions/read-only-git.ts";

const words = (line: string): readonly string[] => line.split(" ");
const parse = (line: string) => readOnlyGit(words(line));

/** What the stock terminal client runs for `/diff`, word for word. */
const implied =
  "git -c safe.bareRepository=explicit -c core.fsmonitor=false -c core.hooksPath=/dev/null";
const shown = "--no-textconv --no-ext-diff --submodule=short --ignore-submodules=dirty --color";

describe("git commands that only read", () => {
  test.each([
    "git diff",
    "git diff --cached --stat -U5 HEAD -- src",
    "git status --porcelain=v2 --branch -z",
    "git ls-files --others --exclude-standard",
    "git rev-parse --abbrev-ref HEAD",
    "git show --format=%H%x00%s HEAD",
    "git show HEAD:src/main.ts",
    "git --no-pager --no-optional-locks diff",
    "git version --build-options",
    `${implied} rev-parse --is-inside-work-tree`,
    "git -c safe.bareRepository=explicit config --null --get core.fsmonitor",
    `${implied} config --null --name-only --get-regexp ^filter\\..*\\.(clean|process)$`,
    `${implied} -c filter.lfs.clean= -c filter.lfs.process= -c filter.lfs.required=false diff ${shown}`,
    `${implied} ls-files --others --exclude-standard`,
  ])("%s", (line) => {
    expect(parse(line)).toBeDefined();
  });

  test("options that keep programs of the repository from running come before the caller's own", () => {
    expect(parse(`${implied} diff --color --no-index -- /dev/null new.txt`)).toEqual({
      args: words(
        "diff --no-ext-diff --no-textconv --submodule=short --ignore-submodules=dirty --color --no-index -- /dev/null new.txt",
      ),
      reads: ["/dev/null", "new.txt"],
      readsFolders: true,
    });
    expect(parse("git status -s")).toEqual({
      args: ["status", "--ignore-submodules=dirty", "-s"],
      reads: [],
      readsFolders: false,
    });
  });

  test("a diff of two paths may compare folders, of one it does not", () => {
    expect(parse("git diff a b")).toMatchObject({ reads: ["a", "b"], readsFolders: true });
    expect(parse("git diff -- a")).toMatchObject({ reads: ["a"], readsFolders: false });
  });
});

describe("everything else is not known to be harmless", () => {
  test.each([
    "git",
    "/tmp/git diff",
    "sh -c git",
    "git commit -m x",
    "git checkout .",
    "git diff --output=/tmp/x",
    "git diff --outpu=/tmp/x",
    "git diff --ext-diff",
    "git diff --textconv",
    "git show --textconv HEAD",
    "git diff -O/etc/passwd",
    "git diff --ignore-submodules=none",
    "git diff --submodule=diff",
    "git show --show-signature HEAD",
    "git show --format=%G? HEAD",
    "git show --pretty=mine HEAD",
    "git -c core.fsmonitor=true diff",
    "git -c core.fsmonitor=/tmp/x diff",
    "git -c core.hooksPath=/tmp diff",
    "git -c filter.x.clean=/tmp/x diff",
    "git -c diff.external=/tmp/x diff",
    "git -c",
    "git -C /etc diff",
    "git --git-dir=/tmp/x diff",
    "git --work-tree=/ diff",
    "git --exec-path=/tmp diff",
    "git -p diff",
    "git ls-files --exclude-from=/etc/passwd",
    "git ls-files --recurse-submodules",
    "git rev-parse --parseopt",
    "git config core.fsmonitor /tmp/x",
    "git config --get",
    "git config --get a b c",
    "git config --unset a",
    "git config --edit",
    "git config --global --get a",
    "git config -f /etc/passwd --get a",
  ])("%s", (line) => {
    expect(parse(line)).toBeUndefined();
  });

  test("a zero byte in a word", () => {
    expect(readOnlyGit(["git", "diff", "a\0b"])).toBeUndefined();
  });
});
