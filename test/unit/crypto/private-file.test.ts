import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createPrivateFile, sweepParts } from "../../../src/crypto/private-file.ts";
import { randomId } from "../../../src/crypto/random.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "farhelm-private-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the halves of keys that a killed program left are removed, and no other file is", () => {
  createPrivateFile(join(folder, "key.json"), "{}");
  writeFileSync(join(folder, `key.json.${randomId("part")}`), "half");
  writeFileSync(join(folder, "notes.part_of"), "mine");
  sweepParts(folder);
  sweepParts(join(folder, "missing"));
  expect(readdirSync(folder).toSorted()).toEqual(["key.json", "notes.part_of"]);
});
