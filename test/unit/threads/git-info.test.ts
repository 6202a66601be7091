import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readGitInfo } from "../../../src/threads/git-info.ts";
import { pipeAt } from "../../helpers/pipe-at.ts";

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

  it("is nothing that a link leads to", async () => {
    const { path } = repository();
    const outside = join(root, "outside");
    mkdirSync(outside);
    const other = "b".repeat(40);
    writeFileSync(join(outside, "HEAD"), other);
    writeFileSync(join(outside, "main"), other);
    const inGit = (name: string): string => join(path, ".git", name);
    rmSync(inGit("config"));
    writeFileSync(join(outside, "config"), '[remote "origin"]\n\turl = secret\n');
    symlinkSync(join(outside, "config"), inGit("config"));
    rmSync(inGit("refs/heads/main"));
    symlinkSync(join(outside, "main"), inGit("refs/heads/main"));
    const unknown = { sha: null, branch: "main", originUrl: null };
    expect(await readGitInfo(path)).toEqual(unknown);
    rmSync(inGit("refs/heads"), { recursive: true });
    symlinkSync(outside, inGit("refs/heads"));
    expect(await readGitInfo(path)).toEqual(unknown);
    rmSync(inGit("HEAD"));
    symlinkSync(join(outside, "HEAD"), inGit("HEAD"));
    expect(await readGitInfo(path)).toEqual({ sha: null, branch: null, originUrl: null });
  });

  it("is nothing that does not look like it", async () => {
    const { path } = repository();
    const outside = "c".repeat(40);
    writeFileSync(join(root, "outside"), outside);
    const info = (head: string) => {
      writeFileSync(join(path, ".git/HEAD"), head);
      return readGitInfo(path);
    };
    const none = { sha: null, branch: null, originUrl };
    for (const head of [
      '{"tokens":{"access_token":"secret"}}',
      "a".repeat(41),
      "ref: refs/heads/../../../../outside",
      "ref: ../../outside",
      "ref: refs/heads/a\u0007b",
      `ref: refs/heads/${"n".repeat(300)}`,
    ]) {
      expect({ head, info: await info(head) }).toEqual({ head, info: none });
    }
    const long = "d".repeat(64);
    expect(await info(long)).toEqual({ ...none, sha: long });
    writeFileSync(join(path, ".git/refs/heads/odd"), "not a commit");
    expect(await info("ref: refs/heads/odd")).toEqual({ ...none, branch: "odd" });
    const url = `https://example.com/${"u".repeat(3_000)}`;
    writeFileSync(join(path, ".git/config"), `[remote "origin"]\n\turl = ${url}\n`);
    expect(await info(long)).toEqual({ ...none, sha: long, originUrl: null });
  });

  it.each(["HEAD", "config", "commondir", "refs/heads/main"])(
    "is not waited for where %s is a pipe",
    async (name) => {
      const { path, sha } = repository();
      const file = join(path, ".git", name);
      rmSync(file, { force: true });
      const late = { HEAD: "e".repeat(40), config: '[remote "origin"]\nurl = late' };
      pipeAt(file, name === "HEAD" ? late.HEAD : name === "config" ? late.config : "e".repeat(40));
      expect(await readGitInfo(path)).toEqual({
        sha: name === "commondir" || name === "config" ? sha : null,
        branch: name === "HEAD" ? null : "main",
        originUrl: name === "config" ? null : originUrl,
      });
    },
  );

  it("is read where `.git` itself is a link to the repository's folder", async () => {
    const { path, sha } = repository();
    renameSync(join(path, ".git"), join(root, "kept"));
    symlinkSync(join(root, "kept"), join(path, ".git"));
    expect(await readGitInfo(path)).toEqual({ sha, branch: "main", originUrl });
  });
});
