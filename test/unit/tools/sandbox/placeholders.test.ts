import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Placeholders } from "../../../../src/tools/sandbox/placeholders.ts";

let folder = "";
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "farhelm-placeholders-")));
});
const begin = (): Placeholders => new Placeholders(state());
const state = (): string => join(folder, "state");
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a placeholder is there as long as a command needs it, also one that found it there", () => {
  const placeholders = new Placeholders(state());
  const path = join(folder, ".codex");
  const first = placeholders.need([path], []);
  const second = placeholders.need([], ["/", path]);
  first();
  expect(existsSync(path)).toBe(true);
  second();
  expect(existsSync(path)).toBe(false);
});

test("what was there before stays, and so does what somebody put something into", () => {
  const placeholders = new Placeholders(state());
  const [before, filled] = [join(folder, ".agents"), join(folder, ".aws")];
  mkdirSync(before);
  const release = placeholders.need([before, filled], [before]);
  writeFileSync(join(filled, "credentials"), "");
  release();
  expect([before, filled].map((path) => existsSync(path))).toEqual([true, true]);
});

test("what a killed program left is taken away by the next one, but for what holds something", () => {
  const [empty, filled] = [join(folder, ".agents"), join(folder, ".aws")];
  new Placeholders(state()).need([empty, filled], []);
  writeFileSync(join(filled, "credentials"), "");
  ofProcess(ended());
  begin();
  expect([existsSync(empty), existsSync(filled), readdirSync(state())]).toEqual([false, true, []]);
});

test("those of a program that runs stay, and what is not needed any more is in no list", () => {
  const [one, other] = [join(folder, ".agents"), join(folder, ".aws")];
  const placeholders = new Placeholders(state());
  const release = placeholders.need([one], []);
  placeholders.need([other], []);
  release();
  mkdirSync(one);
  ofProcess(process.ppid);
  begin();
  expect(existsSync(other)).toBe(true);
  ofProcess(ended());
  begin();
  expect([existsSync(one), existsSync(other)]).toEqual([true, false]);
});

/** Says that the one list there is is kept by another process. */
function ofProcess(pid: number): void {
  const [name = ""] = readdirSync(state());
  renameSync(join(state(), name), join(state(), name.replace(/\d+/, String(pid))));
}

/** The number of a process that has ended. */
const ended = (): number => spawnSync("true").pid;
