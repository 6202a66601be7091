/** What decides what other programs do: settings and hooks that a confined command would leave behind; no host takes part. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eachUser, readAll, systemCall } from "./confined-place.ts";

eachUser((place) => {
  const { outside, uid, work } = place;

  const git = (...args: readonly string[]): void =>
    void execFileSync("git", ["-C", work, "-c", "safe.directory=*", ...args], {
      stdio: "ignore",
      ...(uid === 0 || process.getuid?.() !== 0
        ? {}
        : { uid, gid: uid, env: { PATH: process.env["PATH"] ?? "" } }),
    });

  test("a repository's hooks and settings stay, by whatever way they are written to", async () => {
    git("init");
    const { out } = await place.run(
      `try() { "$@" >/dev/null 2>&1 && echo "WORKED: $*"; }
try touch .git/hooks/pre-commit
try cp /bin/true .git/hooks/pre-commit
try ln -s /bin/true .git/hooks/pre-commit
try git config core.fsmonitor ./evil
try mv .git moved
try rm -rf .git
try mv .git/hooks .git/hooks2
try mv ../work ../work2
ln -s .git/hooks way && try touch way/pre-commit
ln -s ${work} self && try touch self/.git/hooks/pre-commit
try touch ./a/../.git/hooks/pre-commit
try touch /proc/self/cwd/.git/hooks/pre-commit
ln .git/HEAD hard 2>/dev/null && try sh -c "echo x >> hard"
${systemCall("renameat2 exchange", 316, "-100", '".git"', "-100", '"self"', "2")}
git status --short >/dev/null && echo done`,
    );
    expect(out).toBe("done\n");
    expect(existsSync(join(work, ".git/hooks/pre-commit"))).toBe(false);
    expect(readFileSync(join(work, ".git/config"), "utf8")).not.toContain("fsmonitor");
  });

  test("a new repository can be made", async () => {
    const { code, err } = await place.run(
      "git init -q . && git -c user.name=a -c user.email=b commit -q --allow-empty -m x",
    );
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });

  test("the repository of a worktree stays, where commands could write to it otherwise", async () => {
    place.folder(join(work, "main/.git/worktrees/tree"));
    place.folder(join(work, "main/.git/hooks"));
    place.put(join(work, "main/.git/worktrees/tree/commondir"), "../..\n");
    place.put(join(work, ".git"), "gitdir: main/.git/worktrees/tree\n");
    const { out } = await place.run(
      "touch main/.git/hooks/pre-commit || touch main/.git/worktrees/tree/x || echo x > .git || mv main other || echo kept",
    );
    expect(out).toBe("kept\n");
  });

  test("a repository stays that a file in the workspace leads to, also where a rule names that file", async () => {
    git("init", "--bare", ".bare");
    place.put(join(work, ".git"), "gitdir: ./.bare\n");
    const { out } = await place.run(
      "touch .bare/hooks/pre-commit || git config core.fsmonitor ./evil || mv .bare other || echo kept",
      place.workspace({ path: join(work, ".git"), access: "read" }),
    );
    expect(out).toBe("kept\n");
    expect(readFileSync(join(work, ".bare/config"), "utf8")).not.toContain("fsmonitor");
  });

  test("repositories and settings deeper in the workspace stay, and work goes on around them", async () => {
    git("init", "sub");
    git("init", "--bare", "bare/store");
    git("init", "a/b/c");
    place.folder(join(work, "tree"));
    place.put(join(work, "tree/.git"), "gitdir: ../bare/store\n");
    place.folder(join(work, "sub/.codex"));
    const { out } = await place.run(
      `try() { "$@" >/dev/null 2>&1 && echo "WORKED: $*"; }
for repository in sub a/b/c; do
  try touch $repository/.git/hooks/pre-commit
  try git -C $repository config core.fsmonitor ./evil
  try mv $repository/.git $repository/moved
  try mv $repository other
done
try mv a other
try touch sub/.codex/config.toml
try touch bare/store/hooks/pre-commit
try sh -c "echo x > tree/.git"
touch sub/file a/b/c/file tree/file && echo done`,
    );
    expect(out).toBe("done\n");
  });

  test("no settings of an agent come to be, and nothing is left of what kept them away", async () => {
    const { out } = await place.run(
      `for name in .codex .agents .aws; do
  mkdir $name; mkdir -p $name/x; touch $name/config.toml; rmdir $name; mv $name $name.moved; ln -s /tmp $name/x
  mkdir from; mv -T from $name; rmdir from
done 2>/dev/null
ls -A . | sort | tr "\\n" " "; ls -A .codex | wc -l`,
    );
    expect(out).toBe(".agents .aws .codex 0\n");
    expect(["", ".codex", ".agents", ".aws"].map((name) => existsSync(join(work, name)))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test("nor between a writable folder and the command's own", async () => {
    place.folder(join(work, "a/b"));
    const { out } = await place.run(
      "cd ..; touch .codex/config.toml || mv ../a ../c || mv ../b x || echo kept",
      {
        rules: [readAll, { path: work, access: "write" }],
        cwd: join(work, "a/b"),
      },
    );
    expect(out).toBe("kept\n");
  });

  test("a link in the place of settings is refused, for it could be replaced", async () => {
    symlinkSync(outside, join(work, ".codex"));
    const { refused } = await place.run("true");
    expect(refused).toBe(
      `${join(work, ".codex")} is a symbolic link in a folder that commands may write, so it cannot be kept as it is: put a real file or folder in its place`,
    );
  });
});
