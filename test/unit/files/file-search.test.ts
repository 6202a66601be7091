/** What a search finds, and in which order: scores and places as the stock server gives them. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createHostFiles } from "../../../src/files/host-files.ts";
import type { FoundFile } from "../../../src/files/port.ts";
import { charactersOf, SearchPattern } from "../../../src/files/search-pattern.ts";
import { invalidRequest } from "../../../src/protocol/errors.ts";
import { walkFiles } from "../../../src/files/file-walk.ts";
import { pick, seededRandom } from "../../helpers/seeded-random.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function tree(files: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), "farhelm-search-"));
  folders.push(root);
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), "");
  }
  return root;
}

const access = { bounds: [], mayWriteSettings: true };
const searchesWith = (protectedPaths: readonly string[]) =>
  createHostFiles({
    protectedPaths,
    codexHome: "/nowhere",
    userHome: "/nowhere",
    journal: { begin: () => () => {} },
  }).searches;
const searches = searchesWith([]);
const running = new AbortController().signal;

const find = (root: string, query: string): Promise<readonly FoundFile[]> =>
  searches.search(
    { owner: {}, access, roots: [{ name: root, path: root }] },
    query,
    undefined,
    running,
  );
const pathsOf = async (root: string, query: string): Promise<readonly string[]> =>
  (await find(root, query)).map(({ path }) => path);

const names = [
  "src/alpha.js",
  "src/Beta.js",
  "docs/alphabet.md",
  "other/gamma.txt",
  ".hidden/alpha.txt",
  "a/b/c/deep-alpha.ts",
  "AlphaBeta.tsx",
  "src/al_pha.js",
  "node_modules/alpha/index.js",
  "weird ünïcode/älpha.txt",
  "spaces in/al pha.txt",
  "src/aXlYpZhWa",
];

describe("scores and places are the stock server's", () => {
  test.each([
    [
      "alpha",
      [
        [131_206, "node_modules/alpha", "13,14,15,16,17"],
        [65_670, ".hidden/alpha.txt", "8,9,10,11,12"],
        [65_670, "AlphaBeta.tsx", "0,1,2,3,4"],
        [65_670, "docs/alphabet.md", "5,6,7,8,9"],
        [65_670, "src/alpha.js", "4,5,6,7,8"],
        [65_670, "weird ünïcode/älpha.txt", "14,15,16,17,18"],
        [65_664, "a/b/c/deep-alpha.ts", "11,12,13,14,15"],
        [65_664, "spaces in/al pha.txt", "10,11,13,14,15"],
        [65_664, "src/al_pha.js", "4,5,7,8,9"],
        [65_622, "src/aXlYpZhWa", "4,6,8,10,12"],
        [134, "node_modules/alpha/index.js", "13,14,15,16,17"],
      ],
    ],
    [
      "srcal",
      [
        [131, "src/al_pha.js", "0,1,2,4,5"],
        [131, "src/alpha.js", "0,1,2,4,5"],
        [119, "src/aXlYpZhWa", "0,1,2,4,6"],
      ],
    ],
    [
      "be",
      [
        [65_595, "src/Beta.js", "4,5"],
        [65_583, "AlphaBeta.tsx", "5,6"],
        [65_572, "docs/alphabet.md", "10,11"],
        [44, "a/b/c/deep-alpha.ts", "2,7"],
      ],
    ],
    [
      "alpha js",
      [
        [190, "node_modules/alpha/index.js", "13,14,15,16,17,25,26"],
        [190, "src/alpha.js", "4,5,6,7,8,10,11"],
        [184, "src/al_pha.js", "4,5,7,8,9,11,12"],
      ],
    ],
    ["gama", [[65_633, "other/gamma.txt", "6,7,8,10"]]],
    ["älpha", [[65_670, "weird ünïcode/älpha.txt", "14,15,16,17,18"]]],
    [
      "ALPHA.JS",
      [
        [196_817, "src/alpha.js", "4,5,6,7,8,9,10,11"],
        [65_736, "src/al_pha.js", "4,5,7,8,9,10,11,12"],
        [198, "node_modules/alpha/index.js", "13,14,15,16,17,24,25,26"],
      ],
    ],
    [
      "^src",
      [
        [84, "src", "0,1,2"],
        [84, "src/Beta.js", "0,1,2"],
        [84, "src/aXlYpZhWa", "0,1,2"],
        [84, "src/al_pha.js", "0,1,2"],
        [84, "src/alpha.js", "0,1,2"],
      ],
    ],
    [
      "js$ !alpha",
      [
        [56, "src/Beta.js", "9,10"],
        [56, "src/al_pha.js", "11,12"],
      ],
    ],
    ["'gam", [[84, "other/gamma.txt", "6,7,8"]]],
    ["^src$", [[84, "src", "0,1,2"]]],
    ["zzzz", []],
    ["", []],
  ] as const)("of %j", async (query, expected) => {
    const found = await find(tree(names), query);
    const rows = found.map(({ score, path, indices }) => [score, path, indices.join(",")]);
    expect(rows).toEqual(expected);
  });
});

test("of many that fit equally well the first 50 by their paths are told", async () => {
  const files = Array.from({ length: 200 }, (_, index) => `many/zed${1000 + index}`);
  expect(await pathsOf(tree(files), "zed")).toEqual(files.slice(0, 50));
});

test("links to folders are followed, but not back to where they came from, and dead ones are nothing", async () => {
  const root = tree(["src/deep/file.txt"]);
  symlinkSync("src", join(root, "link"));
  symlinkSync("../..", join(root, "src/deep/up"));
  symlinkSync("nowhere", join(root, "src/file.dead"));
  expect(await pathsOf(root, "file")).toEqual(["link/deep/file.txt", "src/deep/file.txt"]);
});

test("what is the host's own is not looked into, by any way that leads there", async () => {
  const root = tree(["keys/file", "plain/file"]);
  symlinkSync(join(root, "keys"), join(root, "plain/way"));
  const found = await searchesWith([join(root, "keys")]).search(
    { owner: {}, access, roots: [{ name: "r", path: root }] },
    "file",
    undefined,
    running,
  );
  expect(found.map(({ path }) => path)).toEqual(["plain/file"]);
  const none = await searchesWith([root]).search(
    { owner: {}, access, roots: [{ name: "r", path: root }] },
    "file",
    undefined,
    running,
  );
  expect(none).toEqual([]);
});

test("bounds hold for searches too", async () => {
  const root = tree(["in/file", "out/file"]);
  symlinkSync("../out", join(root, "in/way"));
  const bounds = [{ folders: [join(root, "in")], refusal: () => invalidRequest("outside") }];
  const search = (path: string): Promise<readonly FoundFile[]> =>
    searches.search(
      { owner: {}, access: { ...access, bounds }, roots: [{ name: "r", path }] },
      "file",
      undefined,
      running,
    );
  expect((await search(join(root, "in"))).map(({ path }) => path)).toEqual(["file"]);
  expect(await search(root)).toEqual([]);
});

const fits = (query: string, path: string): boolean =>
  new SearchPattern(query).mayFit(charactersOf(path));

test("no character is taken for another by the quick look", () => {
  expect([fits("Ab1-", "x-B_a2"), fits("abc", "xyz"), fits("a", "\u00E4")]).toEqual([
    true,
    false,
    true,
  ]);
});

describe("ignore files", () => {
  test("without a repository .gitignore has no word, and .ignore has one", async () => {
    const root = tree(["src/q.txt", "other/q.txt", "third/q.txt"]);
    writeFileSync(join(root, ".gitignore"), "src/\n");
    writeFileSync(join(root, ".ignore"), "third\n");
    expect(await pathsOf(root, "q.txt")).toEqual(["other/q.txt", "src/q.txt"]);
    mkdirSync(join(root, ".git"));
    expect(await pathsOf(root, "q.txt")).toEqual(["other/q.txt"]);
  });

  test("those above the root count, .ignore goes first, and a repository inside begins anew", async () => {
    const root = tree([
      ".git/info/x",
      "sub/a.q",
      "sub/b.q",
      "sub/c.q",
      "sub/inner/.git/x",
      "sub/inner/a.q",
    ]);
    writeFileSync(join(root, ".gitignore"), "*.q\n");
    writeFileSync(join(root, "sub/.gitignore"), "!b.q\n");
    writeFileSync(join(root, "sub/.ignore"), "!c.q\n");
    expect(await pathsOf(join(root, "sub"), ".q")).toEqual(["b.q", "c.q", "inner/a.q"]);
    writeFileSync(join(root, ".git/info/exclude"), "b.q\n");
    expect(await pathsOf(join(root, "sub"), ".q")).toEqual(["b.q", "c.q", "inner/a.q"]);
  });

  test("leave out what git leaves out, whatever they say", async () => {
    const random = seededRandom(20_261_122);
    const segments = ["a", "b", "ab", "a.b", ".a", "x y", "a[b", "A"];
    const parts = ["a", "b", "ab", "*", "?", "*b", "a*", "**", ".", "[ab]", "[!a]", "\\a", "x y"];
    const some = <T>(from: readonly T[], count: number): readonly T[] =>
      Array.from({ length: count }, () => pick(random, from));
    const line = (): string => {
      const body = some(parts, 1 + Math.floor(random() * 3)).join(random() < 0.5 ? "/" : "");
      const [begin, end] = [random() < 0.2 ? "!" : "", random() < 0.2 ? "/" : ""];
      return `${begin}${random() < 0.2 ? "/" : ""}${body}${end}`;
    };
    for (let round = 0; round < 40; round++) {
      const files = new Set(
        Array.from(
          { length: 25 },
          () =>
            `${some(segments, 1 + Math.floor(random() * 3)).join("/")}/f${pick(random, segments)}`,
        ),
      );
      const root = tree([...files]);
      execFileSync("git", ["init", "-q", root]);
      const lines = Array.from({ length: 1 + Math.floor(random() * 5) }, line);
      writeFileSync(join(root, ".gitignore"), `${lines.join("\n")}\n`);
      const inner = join(root, pick(random, [...files]), "..");
      const innerLines = Array.from({ length: 2 }, line);
      writeFileSync(join(inner, ".gitignore"), `${innerLines.join("\n")}\n`);
      const listed = execFileSync(
        "git",
        ["-C", root, "ls-files", "-z", "--others", "--exclude-standard"],
        { encoding: "utf8" },
      );
      const found: string[] = [];
      await walkFiles(root, {
        mayRead: () => true,
        signal: running,
        add: (path, _name, isFolder) => {
          if (!isFolder && !path.startsWith(".git/")) found.push(path);
          return true;
        },
      });
      const byGit = listed.split("\0").filter((path) => path !== "");
      expect({ round, lines, innerLines, found: found.toSorted() }).toEqual({
        round,
        lines,
        innerLines,
        found: byGit.toSorted(),
      });
    }
  });
});
