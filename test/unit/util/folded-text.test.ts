import { describe, expect, test } from "vitest";
import { folded, onOneLine, placesOf, snippetAt } from "../../../src/util/folded-text.ts";

const places = (text: string, term: string) =>
  placesOf(text, folded(term)).map(({ start, end }) => [start, end]);

describe("places of a term in a text", () => {
  test.each([
    [
      "Needle, NEEDLE",
      "needle",
      [
        [0, 6],
        [8, 14],
      ],
    ],
    [
      "aaaaaa",
      "aa",
      [
        [0, 2],
        [2, 4],
        [4, 6],
      ],
    ],
    ["😀😀 Straße", "STRASSE", [[5, 11]]],
    ["Straße", "s", [[0, 1]]],
    ["ﬁne", "fine", [[0, 3]]],
    ["Σίσυφος", "ΣΊΣΥΦΟΣ", [[0, 7]]],
    ["K 5", "k 5", [[0, 3]]],
    [
      "😀😀",
      "😀",
      [
        [0, 2],
        [2, 4],
      ],
    ],
    ["x", "", []],
    ["", "x", []],
  ])("%s: %s", (text, term, expected) => {
    expect(places(text, term)).toEqual(expected);
  });
});

const around = (before: number, behind: number) => {
  const text = `${"x".repeat(before)}HERE${"y".repeat(behind)}`;
  return snippetAt(text, { start: before, end: before + 4 });
};

describe("a snippet", () => {
  test("shows 49 characters before and 96 behind, and says what is cut off", () => {
    expect(around(49, 96)).toEqual({
      text: `${"x".repeat(49)}HERE${"y".repeat(96)}`,
      range: { start: 49, end: 53 },
    });
    expect(around(50, 97)).toEqual({
      text: `... ${"x".repeat(49)}HERE${"y".repeat(96)} ...`,
      range: { start: 53, end: 57 },
    });
  });

  test("cuts no character in two, and leaves out white space at the ends of the text", () => {
    const text = `  ${"😀".repeat(60)}HERE${"😀".repeat(120)}\n `;
    const start = text.indexOf("HERE");
    expect(snippetAt(text, { start, end: start + 4 }).text).toBe(
      `... ${"😀".repeat(49)}HERE${"😀".repeat(96)} ...`,
    );
    expect(snippetAt("\n\n  words  here \n", { start: 4, end: 9 })).toEqual({
      text: "words  here",
      range: { start: 0, end: 5 },
    });
    expect(snippetAt("  a  ", { start: 0, end: 2 })).toMatchObject({ range: { start: 0, end: 2 } });
  });

  test("is one line in a list", () => {
    expect(onOneLine(" a\n\tb  c ")).toBe("a b c");
  });
});
