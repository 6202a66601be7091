import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { makePrivateFolder } from "../../../src/util/private-folder.ts";

const root = mkdtempSync(join(tmpdir(), "farhelm-folder-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("a private folder", () => {
  test("is made with those above it, for its owner alone", () => {
    const folder = join(root, "a", "b");
    makePrivateFolder(folder);
    expect([join(root, "a"), folder].map((path) => statSync(path).mode & 0o777)).toEqual([
      0o700, 0o700,
    ]);
    makePrivateFolder(folder);
  });

  test("where none can be made it fails at once", () => {
    expect(() => makePrivateFolder("/proc/farhelm/home")).toThrow(/ENOENT|EACCES|EPERM/);
  });
});
