import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { table } from "./attack-table.ts";

const upTo = (letter: string, last: number): readonly string[] =>
  Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);

/** Every attack that must be tried. T: what a thief holds. */
const wanted = [
  ...upTo("A", 18),
  ...upTo("B", 17),
  ...upTo("C", 22),
  ..."D1 D2 D5 D6 D7 D8 D11 D12 E7 E8 E11 E12".split(" "),
  ...upTo("T", 5),
];
/** Not written yet. */
const awaited = new Set(wanted);

const numbers = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => readFileSync(join(import.meta.dirname, name), "utf8"))
  .flatMap((text) => [...text.matchAll(/^\s*attack\(\s*"(?<number>[^"]+)"/gm)])
  .map(({ groups }) => groups?.["number"] ?? "");

test("every attack is tried, once, and no other has a number", () => {
  expect(wanted.filter((number) => !numbers.includes(number) && !awaited.has(number))).toEqual([]);
  expect(numbers.filter((number) => !wanted.includes(number))).toEqual([]);
  expect(numbers.filter((number, at) => numbers.indexOf(number) !== at)).toEqual([]);
});

test("the table has a line for each, in the order of the numbers", () => {
  const report = { what: "words", figures: { tried: 2, admitted: 0, rssMb: 3 }, ms: 7 };
  const text = table([
    { ...report, number: "A10", audit: [] },
    { ...report, number: "A9", audit: ["connect bearer_missing"] },
  ]);
  expect(text.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["number", "what is tried", "tried", "admitted", "audit line", "ms", "figures"],
    ["A9", "words", "2", "0", "connect bearer_missing", "7", "rssMb 3"],
    ["A10", "words", "2", "0", "-", "7", "rssMb 3"],
  ]);
});
