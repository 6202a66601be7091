import { describe, expect, test } from "vitest";
import { faultsIn, tree } from "./tree.ts";

describe("the tree", () => {
  test("the scan sees it", () => {
    const paths = tree().map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(40);
    expect(paths).toEqual(
      expect.arrayContaining(["src/main.ts", "test/vitest.config.ts", "scripts/prestart.mjs"]),
    );
  });

  test("holds nothing that was only meant for the moment", () => {
    expect(tree().flatMap(faultsIn)).toEqual([]);
  });

  const machine = ["", "root", "main", "src"].join("/");
  test.each([
    ["a long file", "\n".repeat(400), "longer than 400 lines"],
    [
      "a note",
      `// ${"to".toUpperCase()}${"do".toUpperCase()}: later`,
      "a note to do something later",
    ],
    ["dead code", ["//", "const a = 1;"].join(" "), "code in a comment"],
    ["a dead call", ["//", "run(a, b);"].join(" "), "code in a comment"],
    ["a machine's path", `open("${machine}")`, "a path of one machine"],
    ["a lone test", ["test", "only('x')"].join("."), "a test left alone or switched off"],
    ["a sleeping test", ["describe", "skip('x')"].join("."), "a test left alone or switched off"],
    ["a quiet skip", ["test", "skipIf(!here)('x')"].join("."), "does not say what it needs"],
    ["a silenced check", ["// @ts", "ignore"].join("-"), "a check switched off without a reason"],
  ])("refuses %s", (_what, text, fault) => {
    expect(faultsIn({ path: "src/x.ts", text })).toEqual([expect.stringContaining(fault)]);
  });

  test("lets prose, URLs and loud skips through", () => {
    const text = [
      "// Returns the const that was asked for; if none, undefined.",
      'fetch("http://h/work/x");',
      ["test", "skipIf(!here)('needs chromium: drives a browser')"].join("."),
    ].join("\n");
    expect(faultsIn({ path: "src/x.ts", text })).toEqual([]);
  });
});
