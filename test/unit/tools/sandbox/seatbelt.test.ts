import { expect, test } from "vitest";
import { seatbeltProfile, type SeatbeltRequest } from "../../../../src/tools/sandbox/seatbelt.ts";

const request: SeatbeltRequest = {
  rules: [
    { path: "/site/out", access: "none" },
    { path: "/site", access: "write" },
    { path: "/", access: "read" },
  ],
  deniedGlobs: ["/site/**/*.env"],
  hidden: ["/keys/.farhelm"],
  repositories: ["/site/.git"],
  network: false,
};
const lines = (changes: Partial<SeatbeltRequest> = {}): readonly string[] =>
  seatbeltProfile({ ...request, ...changes }).split("\n");
const rulesOf = (all: readonly string[]): readonly string[] =>
  all.slice(all.indexOf('(allow file-read* (subpath "/"))'), -1);

test("outer folders come first, and what is denied whatever a rule says comes last", () => {
  const all = lines();
  expect(all.slice(0, 2)).toEqual(["(version 1)", "(deny default)"]);
  expect(rulesOf(all)).toEqual([
    '(allow file-read* (subpath "/"))',
    '(deny file-write* (subpath "/"))',
    '(allow file-read* file-write* (subpath "/site"))',
    '(deny file-read* file-write* (subpath "/site/out"))',
    String.raw`(deny file-write* (regex #"^/site/(.*/)?\.agents(/.*)?$"))`,
    String.raw`(deny file-write* (regex #"^/site/(.*/)?\.codex(/.*)?$"))`,
    String.raw`(deny file-write* (regex #"^/site/(.*/)?\.aws(/.*)?$"))`,
    '(deny file-write* (subpath "/site/.git"))',
    String.raw`(deny file-read* file-write* (regex #"^/site/(.*/)?[^/]*\.env(/.*)?$"))`,
    '(deny file-write-unlink (literal "/site"))',
    '(deny file-read* file-write* (subpath "/keys/.farhelm"))',
  ]);
});

test("a rule may give what is protected by its name", () => {
  const all = lines({ rules: [...request.rules, { path: "/site/.codex/notes", access: "write" }] });
  expect(all.indexOf('(allow file-write* (subpath "/site/.codex/notes"))')).toBeGreaterThan(
    all.indexOf(String.raw`(deny file-write* (regex #"^/site/(.*/)?\.codex(/.*)?$"))`),
  );
});

test("the network is off unless it is asked for, and never reaches a Unix socket", () => {
  expect(lines().filter((line) => line.includes("network"))).toEqual([]);
  expect(lines({ network: true }).filter((line) => line.includes("network"))).toEqual([
    "(allow network*)",
    "(deny network* (remote unix-socket))",
  ]);
});

test("a path cannot end its own text", () => {
  expect(lines({ rules: [{ path: '/a")(allow default)("\\', access: "write" }] })).toContain(
    String.raw`(allow file-read* file-write* (subpath "/a\")(allow default)(\"\\"))`,
  );
});

test.each([
  ["/a/*.pem", String.raw`^/a/[^/]*\.pem(/.*)?$`],
  ["/a/**", "^/a/.*(/.*)?$"],
  ["/a/{x,y.z}/?", String.raw`^/a/(x|y\.z)/[^/](/.*)?$`],
  ["/a/[!bc]+", String.raw`^/a/[^bc]\+(/.*)?$`],
  [String.raw`/a/\[x`, String.raw`^/a/\[x(/.*)?$`],
])("the pattern %s", (glob, regex) => {
  expect(lines({ deniedGlobs: [glob] })).toContain(
    `(deny file-read* file-write* (regex #"${regex}"))`,
  );
});

test("a pattern that cannot be said is refused rather than left out", () => {
  expect(() => lines({ deniedGlobs: ["/a/!(b)"] })).toThrow("the pattern /a/!(b) cannot be said");
});
