import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { linesSeen } from "./audit-lines.ts";
import { table } from "./attack-table.ts";

const upTo = (letter: string, last: number): readonly string[] =>
  Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);

/** Every attack that must be tried. T: what a thief holds. */
const wanted = [
  ...upTo("A", 18),
  ...upTo("B", 17),
  ...upTo("C", 22),
  ..."D1 D2 D3 D4 D5 D6 D7 D8 D9 D10 D11 D12 D13 E7 E8 E11 E12".split(" "),
  ...upTo("T", 5),
  ..."F1 F2 F3 F4 F5 F6 F7 F8 F9 F13 F15 F16".split(" "),
];

const numbers = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => readFileSync(join(import.meta.dirname, name), "utf8"))
  .flatMap((text) => [...text.matchAll(/^\s*(?:attack|fault)\(\s*"(?<number>[^"]+)"/gm)])
  .map(({ groups }) => groups?.["number"] ?? "");

test("every attack is tried, once, and no other has a number", () => {
  expect(wanted.filter((number) => !numbers.includes(number))).toEqual([]);
  expect(numbers.filter((number) => !wanted.includes(number))).toEqual([]);
  expect(numbers.filter((number, at) => numbers.indexOf(number) !== at)).toEqual([]);
});

test("an attack whose line does not stand in the audit log fails, and an earlier line does not count", async () => {
  const home = mkdtempSync(join(tmpdir(), "farhelm-lines-"));
  mkdirSync(join(home, "audit"));
  const line = { outcome: "denied", who: {}, address: "127.0.0.1" };
  const lines = [
    { ...line, act: "call", code: "role" },
    { ...line, act: "call", code: "sandbox", outcome: "done" },
    { ...line, act: "upgrade.refused", code: "bearer_missing" },
    { checkpoint: "of some other form" },
  ];
  const text = lines.map((value) => `${JSON.stringify(value)}\n`).join("");
  writeFileSync(join(home, "audit", "000000000001.jsonl"), text);
  const seen = (before: number, ...expected: Parameters<typeof linesSeen>[2]): Promise<unknown> =>
    linesSeen(home, before, expected, 100);

  const missing = { act: "upgrade.refused", code: "bearer_missing" };
  expect(await seen(0, { act: "call", code: "role" }, missing)).toEqual([
    "call role",
    "upgrade.refused bearer_missing",
  ]);
  for (const [before, code] of [
    [0, "none"],
    [0, "sandbox"],
    [1, "role"],
  ] as const) {
    const outcome = seen(before, { act: "call", code });
    await expect(outcome).rejects.toThrow("to deep equally contain");
  }
  rmSync(home, { recursive: true });
});

test("the table has a line for each, in the order of the numbers", () => {
  const report = { what: "words", tried: 2, amiss: 0, figures: { rssMb: 3 }, ms: 7 };
  const text = table([
    { ...report, number: "A10", audit: [] },
    { ...report, number: "A9", audit: ["connect bearer_missing"] },
  ]);
  expect(text.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["number", "what is tried", "tried", "amiss", "audit line", "ms", "figures"],
    ["A9", "words", "2", "0", "connect bearer_missing", "7", "rssMb 3"],
    ["A10", "words", "2", "0", "-", "7", "rssMb 3"],
  ]);
});
