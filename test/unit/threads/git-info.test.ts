import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readGitInfo } from "../../../src/threads/git-info.ts";

let root = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "farhelm-git-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const environment = {
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CEILING_DIRECTORIES: tmpdir(),
};
const git = (cwd: string, ...args: readonly string[]): string =>
  execFileSync("git", ["-c", "user.name=T", "-c", "user.email=t@example.com", ...args], {
    cwd,
    env: environment,
    encoding: "utf8",
  }).trim();

/** A repository with one commit on `main` and an origin. */
function repository(): { readonly path: string; readonly sha: string } {
  const path = join(root, "repo");
  mkdirSync(path);
  git(path, "init", "-q", "-b", "main");
  git(path, "remote", "add", "upstream", "https://example.com/other.git");
  git(path, "remote", "add", "origin", "https://example.com/it.git");
  writeFileSync(join(path, "file"), "x");
  git(path, "add", ".");
  git(path, "commit", "-q", "-m", "first");
  return { path, sha: git(path, "rev-parse", "HEAD") };
}
const originUrl = "https://example.com/it.git";

describe("what is known of a checkout", () => {
  it("is its commit, branch and origin, from any folder inside it", async () => {
    const { path, sha } = repository();
    mkdirSync(join(path, "a", "b"), { recursive: true });
    for (const cwd of [path, join(path, "a", "b")]) {
      expect(await readGitInfo(cwd)).toEqual({ sha, branch: "main", originUrl });
    }
  });

  it("is found in packed refs", async () => {
    const { path, sha } = repository();
    git(path, "branch", "feature/main");
    git(path, "pack-refs", "--all");
    expect(await readGitInfo(path)).toEqual({ sha, branch: "main", originUrl });
  });

  it("is found from a worktree", async () => {
    const { path, sha } = repository();
    const tree = join(root, "tree");
    git(path, "worktree", "add", "-q", "-b", "side/branch", tree);
    expect(await readGitInfo(tree)).toEqual({ sha, branch: "side/branch", originUrl });
  });

  it("has no branch where HEAD is detached", async () => {
    const { path, sha } = repository();
    git(path, "checkout", "-q", "--detach");
    expect(await readGitInfo(path)).toEqual({ sha, branch: null, originUrl });
  });

  it("has no commit before the first one, and no origin where there is none", async () => {
    git(root, "init", "-q", "-b", "new");
    expect(await readGitInfo(root)).toEqual({ sha: null, branch: "new", originUrl: null });
  });

  it("is nothing outside a checkout and in a folder that is not there", async () => {
    expect(await readGitInfo(root)).toBeNull();
    expect(await readGitInfo(join(root, "none"))).toBeNull();
    mkdirSync(join(root, ".git"));
    expect(await readGitInfo(root)).toBeNull();
  });
});
