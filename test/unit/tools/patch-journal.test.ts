import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PatchJournal, temporaryBeside } from "../../../src/tools/patch-journal.ts";

let folder = "";
let warnings: string[] = [];
const journal = (): PatchJournal =>
  new PatchJournal(join(folder, "patches"), {
    warn: (_fields, message) => void warnings.push(message),
  });
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "farhelm-journal-"));
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("what a patch laid down and did not end is removed, and nothing else", () => {
  const [left, other] = [join(folder, "a.txt"), join(folder, "b.txt")].map(temporaryBeside);
  const mine = join(folder, "mine.txt");
  journal().begin([left ?? "", mine, join(folder, ".mine.tmp")]);
  for (const path of [left, other, mine]) writeFileSync(path ?? "", "text");
  journal().sweep();
  expect([left, other, mine].map((path) => existsSync(path ?? ""))).toEqual([false, true, true]);
  expect(readdirSync(join(folder, "patches"))).toEqual([]);
  expect(warnings).toEqual([]);
});

test("a patch that ended leaves nothing, and a torn entry is only taken away", () => {
  journal().begin([temporaryBeside(join(folder, "a.txt"))])();
  expect(readdirSync(join(folder, "patches"))).toEqual([]);
  writeFileSync(join(folder, "patches", "torn.json"), '["/half');
  journal().sweep();
  expect(readdirSync(join(folder, "patches"))).toEqual([]);
});

test("where the journal cannot be written the patch goes on, and the log says so", () => {
  writeFileSync(join(folder, "patches"), "a file stands here");
  journal().begin([temporaryBeside(join(folder, "a.txt"))])();
  journal().sweep();
  expect(warnings).toEqual(["a patch is not in the journal"]);
  expect(readFileSync(join(folder, "patches"), "utf8")).toBe("a file stands here");
});
