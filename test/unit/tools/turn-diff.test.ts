import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { PatchedFile } from "../../../src/tools/port.ts";
import { turnDiff } from "../../../src/tools/turn-diff.ts";

const change = (
  path: string,
  before: string | null,
  after: string | null,
  movedTo: string | null = null,
): PatchedFile => ({ path: `/ws/${path}`, before, after, movedTo: movedTo && `/ws/${movedTo}` });
const diffOf = (...changes: readonly PatchedFile[]): string => turnDiff(changes, "/ws");
const none = "0".repeat(40);

function text(word: string): string {
  return Array.from({ length: 5_000 }, (_, at) => `${word} ${at}\n`).join("");
}

describe("the diff of a turn", () => {
  test("shows a new file", () => {
    expect(diffOf(change("new.txt", null, "hello\n"))).toBe(
      `diff --git a/new.txt b/new.txt\nnew file mode 100644\nindex ${none}..ce013625030ba8dba906f756967f9e9ca394464a\n--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+hello\n`,
    );
  });

  test("shows an empty new file without hunks", () => {
    expect(diffOf(change("e", null, ""))).toBe(
      `diff --git a/e b/e\nnew file mode 100644\nindex ${none}..e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\n`,
    );
  });

  test("shows a deleted file", () => {
    expect(diffOf(change("sub/c.txt", "x\nz\n", null))).toBe(
      `diff --git a/sub/c.txt b/sub/c.txt\ndeleted file mode 100644\nindex 206b37888d9b7affbbead76084a0419c3c868078..${none}\n--- a/sub/c.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-x\n-z\n`,
    );
  });

  test("shows a moved file under both names", () => {
    expect(diffOf(change("b.txt", "x\ny\n", "x\nz\n", "sub/c.txt"))).toBe(
      "diff --git a/b.txt b/sub/c.txt\nindex b77b4eb1d946f923f61785536da9ca5af6909f06..206b37888d9b7affbbead76084a0419c3c868078\n--- a/b.txt\n+++ b/sub/c.txt\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n",
    );
  });

  test("sums up several changes of a file, through a move", () => {
    const steps = [
      change("a", "1\n", "2\n"),
      change("a", "2\n", "3\n", "b"),
      change("b", "3\n", "4\n"),
    ];
    expect(diffOf(...steps)).toBe(diffOf(change("a", "1\n", "4\n", "b")));
  });

  test("is empty when the turn left everything as it was", () => {
    expect(diffOf(change("a", "1\n", "2\n"), change("a", "2\n", "1\n"))).toBe("");
    expect(diffOf(change("a", null, "1\n"), change("a", "1\n", null))).toBe("");
    expect(diffOf(change("a", "1\n", "1\n", "b"), change("b", "1\n", "1\n", "a"))).toBe("");
  });

  test("tells a file that another replaced", () => {
    expect(diffOf(change("b", "old\n", null), change("a", "new\n", "new\n", "b"))).toBe(
      diffOf(change("a", "new\n", null), change("b", "old\n", "new\n")),
    );
  });

  test("sorts files by path and shows those outside the folder whole", () => {
    const outside = { path: "/other/z", before: null, after: "", movedTo: null };
    const names = diffOf(change("b", null, ""), outside, change("a", null, "")).match(/^diff.*$/gm);
    expect(names).toEqual([
      "diff --git a/other/z b/other/z",
      "diff --git a/a b/a",
      "diff --git a/b b/b",
    ]);
  });

  test("can be applied by git", () => {
    const folder = mkdtempSync(join(tmpdir(), "farhelm-diff-"));
    try {
      const before = Array.from({ length: 40 }, (_, at) => `line ${at}`).join("\n");
      const after = before.replace("line 3\n", "").replace("line 20", "twenty\nand more");
      writeFileSync(join(folder, "a"), before);
      const input = turnDiff(
        [
          { path: join(folder, "a"), before, after, movedTo: null },
          { path: join(folder, "n"), before: null, after: "no newline", movedTo: null },
        ],
        folder,
      );
      execFileSync("git", ["apply", "-"], {
        cwd: folder,
        input,
        env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() },
      });
      expect(execFileSync("cat", ["a", "n"], { cwd: folder, encoding: "utf8" })).toBe(
        `${after}no newline`,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("shows texts that differ too much as replaced", () => {
    const diff = diffOf(change("a", text("old"), text("new")));
    expect(diff).toMatch(/@@ -1,5000 \+1,5000 @@\n-old 0\n/);
    expect(diff.split("\n")).toHaveLength(10_000 + 6);
  });
});
