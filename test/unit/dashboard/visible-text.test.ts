import { describe, expect, it } from "vitest";
import { beginningOf, visibleParts } from "../../../src/dashboard/state/visible-text.ts";

/** As a reader sees it: marks in brackets. */
const seen = (text: string): string =>
  visibleParts(text)
    .map((part) => (part.kind === "text" ? part.text : `[${part.label}]`))
    .join("");

describe("a text that is to be approved", () => {
  it.each([
    ["rm -rf \u202e/cod\u202c", "rm -rf [U+202E]/cod[U+202C]"],
    ["\u001b[2K\rls", "[U+001B][2K[U+000D]ls"],
    ["l\u200bs\ufeff", "l[U+200B]s[U+FEFF]"],
    ["rm\u00a0-rf\u3000/", "rm[U+00A0]-rf[U+3000]/"],
    ["\0\u0007\u0085", "[U+0000][U+0007][U+0085]"],
    ["a\u2028b\u2029c", "a[U+2028]b[U+2029]c"],
    ["\u3164\u115f\u2800\u{e0041}\u{1d173}", "[U+3164][U+115F][U+2800][U+E0041][U+1D173]"],
    ["\ud800x\ue000", "[U+D800]x[U+E000]"],
    ["\u2066\u2069\u061c", "[U+2066][U+2069][U+061C]"],
  ])("shows what is not drawn or turns the order: %j", (text, expected) => {
    expect(seen(text)).toBe(expected);
  });

  it.each(["echo \u00fc\u00df \u4f60 \u{1f600} \u05d0\u05d1", "one\n\ttwo", ""])(
    "is left as it is otherwise: %j",
    (text) => {
      expect(seen(text)).toBe(text);
    },
  );

  it("says what a mark is, and cannot be made to look like one by plain letters", () => {
    expect(visibleParts("\u202eU+202E")).toEqual([
      { kind: "mark", label: "U+202E", name: "right-to-left override" },
      { kind: "text", text: "U+202E" },
    ]);
    expect(visibleParts("\u0001")).toEqual([
      { kind: "mark", label: "U+0001", name: "invisible character U+0001" },
    ]);
  });

  it("keeps every character over a megabyte, in order and in reasonable time", () => {
    const text = "ab\u200b\n".repeat(260_000);
    const parts = visibleParts(text);
    expect(parts.length).toBe(2 * 260_000 + 1);
    expect(seen(text)).toBe("ab[U+200B]\n".repeat(260_000));
  });
});

describe("the beginning of a text", () => {
  it("is all of a short one", () => {
    expect(beginningOf("ls\n")).toEqual({ shown: "ls\n", whole: undefined });
  });

  it("says how much there is of one with many lines, or with one long line", () => {
    const lines = `ls${"\n".repeat(200)}rm -rf /`;
    expect(beginningOf(lines)).toEqual({
      shown: `ls${"\n".repeat(13)}`,
      whole: { lines: 201, characters: 210 },
    });
    expect(beginningOf("x".repeat(5_000))).toMatchObject({
      whole: { lines: 1, characters: 5_000 },
    });
  });
});
