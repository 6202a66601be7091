import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FileOperation, parsePatch, PatchError } from "../../../src/tools/patch-grammar.ts";
import { applyHunks } from "../../../src/tools/patch-search.ts";

const parse = (...lines: readonly string[]): readonly FileOperation[] =>
  parsePatch(["*** Begin Patch", ...lines, "*** End Patch"].join("\n"));

function applied(before: string, ...lines: readonly string[]): string {
  const [operation] = parse("*** Update File: f", ...lines);
  if (operation?.kind !== "update") throw new Error("an update was expected");
  return applyHunks(before, operation.hunks, "/ws/f");
}

describe("the patch language", () => {
  test("knows every operation", () => {
    expect(
      parse(
        "*** Add File: a b.txt",
        "+one",
        "+",
        "*** Delete File: gone",
        "",
        "*** Update File: u",
        "*** Move to: v/w",
        " kept",
        "-old",
        "+new",
        "*** End of File",
        "@@ def f():",
        "+more",
      ),
    ).toEqual([
      { kind: "add", path: "a b.txt", text: "one\n\n" },
      { kind: "delete", path: "gone" },
      {
        kind: "update",
        path: "u",
        moveTo: "v/w",
        hunks: [
          {
            header: null,
            lines: [
              { kind: "context", text: "kept" },
              { kind: "remove", text: "old" },
              { kind: "add", text: "new" },
            ],
            isEndOfFile: true,
          },
          { header: "def f():", lines: [{ kind: "add", text: "more" }], isEndOfFile: false },
        ],
      },
    ]);
  });

  test("bears blanks around its markers, Windows line ends and a here-document", () => {
    const text =
      "<<'EOF'\r\n  *** Begin Patch  \r\n*** Delete File:  a \r\n*** End Patch \r\nEOF\r\n";
    expect(parsePatch(text)).toEqual([{ kind: "delete", path: "a" }]);
  });

  test("a move without hunks keeps the text", () => {
    expect(parse("*** Update File: a", "*** Move to: b")).toEqual([
      { kind: "update", path: "a", moveTo: "b", hunks: [] },
    ]);
  });

  test.each([
    ["nonsense", "invalid patch: its first line has to be '*** Begin Patch'"],
    [
      "*** Begin Patch\n*** Delete File: a",
      "invalid patch: its last line has to be '*** End Patch'",
    ],
    ["*** Begin Patch", "invalid patch: its last line has to be '*** End Patch'"],
    [
      "*** Begin Patch\n*** Frob File: x\n*** End Patch",
      "invalid hunk at line 2, '*** Frob File: x' is no hunk header",
    ],
    [
      "*** Begin Patch\n*** Update File: a\n*** End Patch",
      "invalid hunk at line 2, the update of 'a' holds no hunk",
    ],
    [
      "*** Begin Patch\n*** Update File: a\n@@\nzzz\n*** End Patch",
      "invalid hunk at line 4, 'zzz' cannot stand in a hunk",
    ],
    [
      "*** Begin Patch\n*** Update File: a\n@@\n-x\nzzz\n*** End Patch",
      "invalid hunk at line 5, 'zzz' does not begin a hunk",
    ],
    [
      "*** Begin Patch\n*** Delete File:\n*** End Patch",
      "invalid hunk at line 2, the path is missing",
    ],
    [
      "*** Begin Patch\n*** Add File: a\nx\n*** End Patch",
      "invalid hunk at line 3, 'x' is no hunk header",
    ],
  ])("%j is refused", (text, message) => {
    expect(() => parsePatch(text)).toThrow(PatchError);
    expect(() => parsePatch(text)).toThrow(message);
  });
});

describe("a hunk", () => {
  test("replaces what it finds", () => {
    expect(applied("a\nb\nc\n", "@@", " a", "-b", "+B", " c")).toBe("a\nB\nc\n");
  });

  test("is looked for below its header", () => {
    expect(applied("one\nx\ntwo\nx\n", "@@ two", "-x", "+y")).toBe("one\nx\ntwo\ny\n");
  });

  test("is looked for below the one before it", () => {
    expect(applied("x\nx\nx\n", "@@", "-x", "+1", "@@", "-x", "+2")).toBe("1\n2\nx\n");
  });

  test("that only adds goes to the end", () => {
    expect(applied("a\nb\n", "@@", "+c")).toBe("a\nb\nc\n");
  });

  test("at the end of the file means the last such lines", () => {
    expect(applied("x\na\nx\n", "@@", "-x", "+y", "*** End of File")).toBe("x\na\ny\n");
  });

  test("exact lines come before similar ones", () => {
    expect(applied("  x\nx\n", "@@", "-x", "+y")).toBe("  x\ny\n");
  });

  test.each([
    ["blanks at the end", "keep  \nold\t\n", "-old", "keep  \nnew\n"],
    ["indentation", "    keep\n\told\n", "-old", "    keep\nnew\n"],
    ["typographic quotes", "keep\n“old”\n", '-"old"', "keep\nnew\n"],
  ])("is found in spite of %s, and kept lines stay as they are", (_, before, removed, after) => {
    expect(applied(before, "@@", " keep", removed, "+new")).toBe(after);
  });

  test("takes the file's line ends", () => {
    expect(applied("one\r\ntwo\r\n", "@@", " one", "-two", "+2", "+3")).toBe("one\r\n2\r\n3\r\n");
    expect(applied("one\r\ntwo", "@@", "+3")).toBe("one\r\ntwo\r\n3\r\n");
  });

  test("leaves a newline at the end", () => {
    expect(applied("a\nb", "@@", "-b", "+c")).toBe("a\nc\n");
    expect(applied("", "@@", "+c")).toBe("c\n");
  });

  test("may end with a blank line that only separates", () => {
    expect(applied("a\nb\n", "@@", "-a", "+A", "", "@@", "-b", "+B")).toBe("A\nB\n");
  });

  test("whose lines are not there is refused by the file's name", () => {
    expect(() => applied("a\n", "@@", "-zzz")).toThrow(
      new PatchError("these lines of a hunk were not found in /ws/f:\nzzz"),
    );
    expect(() => applied("a\n", "@@ class X", "-a")).toThrow(
      new PatchError("the line 'class X' that a hunk names as its context was not found in /ws/f"),
    );
    expect(() => applied("b\na\n", "@@", "-a", "@@", "-b")).toThrow(PatchError);
  });
});

/** The hunks that turn one list of lines into another that shares the lines of `keep`, with all lines as context. */
function wholePatch(edits: readonly { kind: "keep" | "remove" | "add"; text: string }[]): string[] {
  const signs = { keep: " ", remove: "-", add: "+" };
  return ["@@", ...edits.map(({ kind, text }) => signs[kind] + text)];
}

test("a patch made from any before and after turns one into the other", () => {
  const line = fc.string({ unit: fc.constantFrom(...Array.from("abc \t@*+-")), maxLength: 6 });
  const edit = fc.record({ kind: fc.constantFrom("keep", "remove", "add"), text: line });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 30 }), (edits) => {
      const before = edits
        .filter(({ kind }) => kind !== "add")
        .map(({ text }) => `${text}\n`)
        .join("");
      const after = edits
        .filter(({ kind }) => kind !== "remove")
        .map(({ text }) => `${text}\n`)
        .join("");
      expect(applied(before, ...wholePatch(edits))).toBe(after);
    }),
    { seed: 11, numRuns: 500 },
  );
});

test("scattered changes with headers of one context line apply in order", () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 98 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(numbers, (chosen) => {
      const lines = Array.from({ length: 100 }, (_, at) => `line ${at}`);
      const ordered = chosen.toSorted((a, b) => a - b);
      const hunks = ordered.flatMap((at) => ["@@", `-line ${at}`, `+changed ${at}`]);
      const after = lines.map((text, at) => (chosen.includes(at) ? `changed ${at}` : text));
      expect(applied(`${lines.join("\n")}\n`, ...hunks)).toBe(`${after.join("\n")}\n`);
    }),
    { seed: 12, numRuns: 200 },
  );
});
