import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SandboxPolicy } from "../../../src/protocol/settings.ts";
import { ToolBench } from "./tool-bench.ts";

let bench: ToolBench;
beforeEach(() => {
  bench = new ToolBench();
});
afterEach(() => bench.close());

const path = (name: string): string => join(bench.folder, name);
const write = (name: string, text: string | Buffer): void => writeFileSync(path(name), text);
const read = (name: string): string => readFileSync(path(name), "utf8");
const number: unknown = expect.any(Number);
const confined: SandboxPolicy = {
  type: "workspaceWrite",
  writableRoots: [],
  networkAccess: false,
  excludeSlashTmp: true,
  excludeTmpdirEnvVar: true,
};

describe("a patch", () => {
  test("adds, updates, moves and deletes, and tells each change", async () => {
    write("old.txt", "before\n");
    write("gone.txt", "x\nz\n");
    write("b.txt", "x\ny\n");
    const output = await bench.patch(
      "*** Add File: sub/new.txt",
      "+hello",
      "*** Update File: old.txt",
      "@@",
      "-before",
      "+after",
      "*** Delete File: gone.txt",
      "*** Update File: b.txt",
      "*** Move to: c/d.txt",
      "@@",
      " x",
      "-y",
      "+z",
    );
    expect(output).toMatch(
      /^Exit code: 0\nWall time: [\d.]+ seconds\nOutput:\nSuccess. Updated the following files:\nA sub\/new.txt\nM old.txt\nD gone.txt\nM c\/d.txt\n$/,
    );
    const item = {
      type: "fileChange",
      id: "call_1",
      changes: [
        { path: path("sub/new.txt"), kind: { type: "add" }, diff: "hello\n" },
        {
          path: path("old.txt"),
          kind: { type: "update", move_path: null },
          diff: "@@ -1 +1 @@\n-before\n+after\n",
        },
        { path: path("gone.txt"), kind: { type: "delete" }, diff: "x\nz\n" },
        {
          path: path("b.txt"),
          kind: { type: "update", move_path: path("c/d.txt") },
          diff: `@@ -1,2 +1,2 @@\n x\n-y\n+z\n\n\nMoved to: ${path("c/d.txt")}`,
        },
      ],
      startedAtMs: number,
    };
    expect(bench.told).toEqual([
      { kind: "started", item: { ...item, status: "inProgress", completedAtMs: null } },
      { kind: "completed", item: { ...item, status: "completed", completedAtMs: number } },
    ]);
    expect([read("sub/new.txt"), read("old.txt"), read("c/d.txt")]).toEqual([
      "hello\n",
      "after\n",
      "x\nz\n",
    ]);
    expect([existsSync(path("gone.txt")), existsSync(path("b.txt"))]).toEqual([false, false]);
    expect(bench.patched).toEqual([
      { path: path("sub/new.txt"), before: null, after: "hello\n", movedTo: null },
      { path: path("old.txt"), before: "before\n", after: "after\n", movedTo: null },
      { path: path("gone.txt"), before: "x\nz\n", after: null, movedTo: null },
      { path: path("b.txt"), before: "x\ny\n", after: "x\nz\n", movedTo: path("c/d.txt") },
    ]);
  });

  test("shows one line around each change and notes a missing newline", async () => {
    const lines = Array.from({ length: 9 }, (_, at) => `line ${at + 1}`).join("\n");
    write("a.txt", lines);
    await bench.patch("*** Update File: a.txt", "@@", "-line 2", "+two", "@@", "-line 9", "+nine");
    expect(bench.items("completed")).toMatchObject([
      {
        changes: [
          {
            diff: "@@ -1,3 +1,3 @@\n line 1\n-line 2\n+two\n line 3\n@@ -8,2 +8,2 @@\n line 8\n-line 9\n\\ No newline at end of file\n+nine\n",
          },
        ],
      },
    ]);
  });

  test("that writes over a file shows what is lost", async () => {
    write("a.txt", "old\n");
    await bench.patch("*** Add File: a.txt", "+new");
    expect(bench.items("completed")).toMatchObject([
      {
        changes: [{ kind: { type: "update", move_path: null }, diff: "@@ -1 +1 @@\n-old\n+new\n" }],
      },
    ]);
  });

  test("may touch a file twice", async () => {
    await bench.patch(
      "*** Add File: a",
      "+one",
      "*** Update File: a",
      "@@",
      "-one",
      "+two",
      "*** Add File: b",
      "+x",
      "*** Delete File: b",
    );
    expect(read("a")).toBe("two\n");
    expect(bench.items("completed")).toMatchObject([
      { changes: [{ path: path("a"), kind: { type: "add" }, diff: "two\n" }] },
    ]);
  });

  test("keeps a file's mode and writes through a link to its target", async () => {
    write("run.sh", "old\n");
    chmodSync(path("run.sh"), 0o755);
    symlinkSync("run.sh", path("link"));
    await bench.patch("*** Update File: link", "@@", "-old", "+new");
    expect(read("run.sh")).toBe("new\n");
    expect(statSync(path("run.sh")).mode & 0o777).toBe(0o755);
    expect(readdirSync(bench.folder).toSorted()).toEqual(["link", "run.sh"]);
  });

  test("in a shell command is applied, never run", async () => {
    mkdirSync(path("sub"));
    const output = await bench.exec(
      "cd sub && apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: q.txt\n+`touch ran`\n*** End Patch\nEOF\n",
    );
    expect(output).toMatch(
      /^Wall time: \d\.\d{4} seconds\nOutput:\nExit code: 0\nWall time: [\d.]+ seconds\nOutput:\nSuccess. Updated the following files:\nA q.txt\n$/,
    );
    expect(read("sub/q.txt")).toBe("`touch ran`\n");
    expect(bench.items("completed")).toMatchObject([{ type: "fileChange", id: "call_1" }]);
  });

  test("comes as free text too", async () => {
    const text = "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch";
    const call = {
      callId: "c",
      name: "apply_patch",
      kind: "custom",
      namespace: null,
      arguments: text,
    } as const;
    const { output } = await bench.tools.run(call, bench.context());
    expect(output).toMatch(/^Exit code: 0\n/);
    expect(read("a")).toBe("x\n");
  });
});

describe("a patch that does not fit", () => {
  test.each([
    [
      "a file that is not there",
      ["*** Update File: missing.txt", "@@", "-a", "+b"],
      /cannot update .*missing\.txt: there is no such file/,
    ],
    ["a deletion of nothing", ["*** Delete File: missing.txt"], /cannot delete .*missing\.txt/],
    [
      "lines that are not there",
      ["*** Update File: a.txt", "@@", "-zzz"],
      /not found in .*a\.txt:\nzzz/,
    ],
    ["a folder", ["*** Update File: dir", "@@", "-zzz"], /dir is not a regular file/],
    [
      "bytes that are no text",
      ["*** Update File: bin", "@@", "-a", "+b"],
      /bin: it is not a UTF-8 text file/,
    ],
    [
      "a move onto a file",
      ["*** Update File: a.txt", "*** Move to: bin"],
      /cannot move .*a\.txt to .*bin/,
    ],
    ["a file in the way of a folder", ["*** Add File: a.txt/b", "+1"], /cannot read .*a\.txt\/b/],
    ["a name that is too long", [`*** Add File: ${"n".repeat(300)}`, "+1"], /ENAMETOOLONG/],
  ])("because of %s makes no item and changes nothing", async (_, lines, text) => {
    write("a.txt", "a\n");
    write("bin", Buffer.from([0x61, 0xff, 0x0a]));
    mkdirSync(path("dir"));
    const output = await bench.patch("*** Add File: first.txt", "+1", ...lines);
    expect(output).toMatch(/^apply_patch verification failed: /);
    expect(output).toMatch(text);
    expect(existsSync(path("first.txt"))).toBe(false);
    expect(bench.told).toEqual([]);
  });

  test("because it says nothing makes no item", async () => {
    expect(await bench.patch()).toBe("apply_patch verification failed: the patch is empty");
    expect(bench.told).toEqual([]);
  });

  test("that fails half-way on disk leaves everything as it was, and fails its item", async () => {
    write("a.txt", "a\n");
    write("gone.txt", "g\n");
    const output = await bench.patch(
      "*** Delete File: gone.txt",
      "*** Update File: a.txt",
      "@@",
      "-a",
      "+b",
      "*** Add File: new/deep/b.txt",
      "+1",
      // both a file and the folder of another
      "*** Add File: both",
      "+1",
      "*** Add File: both/inner",
      "+1",
    );
    expect(output).toMatch(
      /^Exit code: 1\n[^]*could not be written, and nothing was changed: EISDIR/,
    );
    expect(output).toContain(` -> '${path("both")}'`);
    expect(bench.items("completed")).toMatchObject([{ status: "failed" }]);
    expect(readdirSync(bench.folder).toSorted()).toEqual(["a.txt", "gone.txt"]);
    expect([read("a.txt"), read("gone.txt")]).toEqual(["a\n", "g\n"]);
    expect(bench.patched).toEqual([]);
  });
});

test("a patch with half a character is refused: what it would write has no bytes", async () => {
  const lines = ["*** Begin Patch", "*** Add File: a", "+\ud800", "*** End Patch"];
  const call = { callId: "c", name: "apply_patch", kind: "custom", namespace: null } as const;
  const { output } = await bench.tools.run(
    { ...call, arguments: lines.join("\n") },
    bench.context(),
  );
  expect(output).toBe("apply_patch verification failed: it holds half a character");
  expect(readdirSync(bench.folder)).toEqual([]);
});

describe("approval of a patch", () => {
  test("is not needed inside the workspace, but outside of it and in .git", async () => {
    bench.sandboxPolicy = confined;
    bench.verdict = () => Promise.resolve("declined");
    await bench.patch("*** Add File: in.txt", "+x");
    expect(bench.told.some(({ kind }) => kind === "asked")).toBe(false);
    const outside = `${bench.folder}-outside.txt`;
    for (const name of [outside, "../out.txt", ".git/hooks/pre-commit", "sub/.codex/config.toml"]) {
      expect(await bench.patch(`*** Add File: ${name}`, "+x")).toMatch(/rejected by the user/);
    }
    expect(bench.told.filter(({ kind }) => kind === "asked")).toHaveLength(4);
    expect(readdirSync(bench.folder)).toEqual(["in.txt"]);
    expect(existsSync(outside)).toBe(false);
  });

  test("is needed where a link leads out, a dangling one too", async () => {
    const other = new ToolBench();
    try {
      symlinkSync(other.folder, path("dir"));
      symlinkSync(join(other.folder, "new.txt"), path("dangling"));
      bench.sandboxPolicy = confined;
      bench.verdict = () => Promise.resolve("declined");
      await bench.patch("*** Add File: dir/a.txt", "+x");
      await bench.patch("*** Add File: dangling", "+x");
      const inOther = (name: string) => ({ realPaths: [join(other.folder, name)] });
      expect(bench.told.filter(({ kind }) => kind === "asked")).toMatchObject([
        { question: inOther("a.txt") },
        { question: inOther("new.txt") },
      ]);
      expect(readdirSync(other.folder)).toEqual([]);
    } finally {
      await other.close();
    }
  });

  test("is asked for with both places of a move, as they really are", async () => {
    const other = new ToolBench();
    try {
      symlinkSync(other.folder, path("out"));
      writeFileSync(join(other.folder, "a.txt"), "a\n");
      bench.sandboxPolicy = confined;
      bench.verdict = () => Promise.resolve("declined");
      await bench.patch("*** Update File: out/a.txt", "*** Move to: out/b.txt", "@@", "-a", "+b");
      expect(bench.told.filter(({ kind }) => kind === "asked")).toMatchObject([
        { question: { realPaths: ["a.txt", "b.txt"].map((name) => join(other.folder, name)) } },
      ]);
    } finally {
      await other.close();
    }
  });

  test("comes after the item, and decline completes it so", async () => {
    bench.sandboxPolicy = { type: "readOnly", networkAccess: false };
    bench.verdict = () => Promise.resolve("declined");
    await bench.patch("*** Add File: new.txt", "+hello");
    const changes = [{ path: path("new.txt"), kind: { type: "add" }, diff: "hello\n" }];
    expect(bench.told).toMatchObject([
      { kind: "started", item: { status: "inProgress", changes } },
      { kind: "asked", question: { itemId: "call_1", changes, reason: null } },
      { kind: "completed", item: { status: "declined", changes } },
    ]);
    expect(bench.patched).toEqual([]);
  });

  test("that fails fails the item", async () => {
    bench.sandboxPolicy = { type: "readOnly", networkAccess: false };
    bench.verdict = () => Promise.resolve("failed");
    expect(await bench.patch("*** Add File: a", "+x")).toMatch(/approval request failed/);
    expect(bench.items("completed")).toMatchObject([{ status: "failed" }]);
  });

  test("that is cut off by an interrupt leaves the item open and rejects", async () => {
    bench.sandboxPolicy = { type: "readOnly", networkAccess: false };
    bench.verdict = () => {
      bench.abort.abort(new Error("interrupted"));
      return Promise.resolve("declined");
    };
    await expect(bench.patch("*** Add File: a", "+x")).rejects.toThrow("interrupted");
    expect(bench.items("completed")).toEqual([]);
  });

  test("counts for the files as they were shown", async () => {
    write("a.txt", "a\n");
    bench.sandboxPolicy = { type: "readOnly", networkAccess: false };
    bench.verdict = () => {
      write("a.txt", "a\nsomething else\n");
      return Promise.resolve("run");
    };
    expect(await bench.patch("*** Update File: a.txt", "@@", "-a", "+b")).toMatch(
      /changed while the patch waited/,
    );
    expect(read("a.txt")).toBe("a\nsomething else\n");
    expect(bench.items("completed")).toMatchObject([{ status: "failed" }]);
  });

  test("is never asked under never: the patch is refused without an item", async () => {
    bench.sandboxPolicy = { type: "readOnly", networkAccess: false };
    bench.approvalPolicy = "never";
    expect(await bench.patch("*** Add File: a", "+x")).toMatch(
      /^patch rejected: the sandbox is read-only/,
    );
    expect(bench.told).toEqual([]);
    expect(readdirSync(bench.folder)).toEqual([]);
  });
});
