import { expect, test } from "vitest";
import { countRows, diffRows } from "../../../src/dashboard/state/diff-rows.ts";
import { FileUpdateChange } from "../../../src/protocol/item.ts";

const rowsOf = (kind: object, diff: string) =>
  diffRows(FileUpdateChange.parse({ path: "/a", kind, diff }));

test("a new file is all added, a deleted one all removed", () => {
  expect(rowsOf({ type: "add" }, "one\ntwo\n")).toEqual([
    { kind: "added", oldLine: null, newLine: 1, text: "one" },
    { kind: "added", oldLine: null, newLine: 2, text: "two" },
  ]);
  expect(rowsOf({ type: "delete" }, "one")).toEqual([
    { kind: "removed", oldLine: 1, newLine: null, text: "one" },
  ]);
  expect(rowsOf({ type: "add" }, "")).toEqual([]);
});

test("a new file that looks like a diff is shown as it is, with every line", () => {
  const texts = ["@@ -1 +1 @@", "\\ hidden", "-gone", "+x"];
  const rows = rowsOf({ type: "add" }, `${texts.join("\n")}\n`);
  expect(rows.map(({ kind, text }) => [kind, text])).toEqual(texts.map((text) => ["added", text]));
});

test("hunks are numbered on both sides, headers and end-of-file notes are no lines", () => {
  const diff = [
    "--- a/x",
    "+++ b/x",
    "@@ -10,3 +10,3 @@ fn",
    " kept",
    "-old",
    "+new",
    "\\ No newline at end of file",
    "",
  ].join("\n");
  const rows = rowsOf({ type: "update", move_path: null }, diff);
  expect(rows).toEqual([
    { kind: "hunk", text: "@@ -10,3 +10,3 @@ fn" },
    { kind: "kept", oldLine: 10, newLine: 10, text: "kept" },
    { kind: "removed", oldLine: 11, newLine: null, text: "old" },
    { kind: "added", oldLine: null, newLine: 11, text: "new" },
  ]);
  expect(countRows(rows)).toEqual({ added: 1, removed: 1 });
});
