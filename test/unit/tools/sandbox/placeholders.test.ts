import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Placeholders } from "../../../../src/tools/sandbox/placeholders.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "farhelm-placeholders-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a placeholder is there as long as a command needs it, also one that found it there", () => {
  const placeholders = new Placeholders();
  const path = join(folder, ".codex");
  const first = placeholders.need([path], []);
  const second = placeholders.need([], ["/", path]);
  first();
  expect(existsSync(path)).toBe(true);
  second();
  expect(existsSync(path)).toBe(false);
});

test("what was there before stays, and so does what somebody put something into", () => {
  const placeholders = new Placeholders();
  const [before, filled] = [join(folder, ".agents"), join(folder, ".aws")];
  mkdirSync(before);
  const release = placeholders.need([before, filled], [before]);
  writeFileSync(join(filled, "credentials"), "");
  release();
  expect([before, filled].map((path) => existsSync(path))).toEqual([true, true]);
});
