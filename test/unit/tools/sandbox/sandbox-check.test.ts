import { chmodSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { checkSandbox } from "../../../../src/tools/sandbox/sandbox.ts";
import { trustedProgram } from "../../../../src/tools/sandbox/trusted-program.ts";
import { needSandbox } from "../../../helpers/need-sandbox.ts";

beforeEach(needSandbox);

test("what works is named, and what the network proxy lacks", async () => {
  const path = process.env["PATH"] ?? "";
  expect(await checkSandbox(path)).toMatch(/^bubblewrap \([^)]+\)$/);
  const folder = mkdtempSync(join(tmpdir(), "farhelm-programs-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const bwrap = trustedProgram("bwrap", path);
  if (!bwrap || !("path" in bwrap)) throw new Error("no bubblewrap");
  symlinkSync(bwrap.path, join(folder, "bwrap"));
  expect(await checkSandbox(folder)).toMatch(
    /^bubblewrap \([^)]+\); no network proxy: .*install util-linux/,
  );
});
