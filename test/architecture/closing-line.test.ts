import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { closingLine } from "../helpers/closing-line-reporter.ts";
import { root } from "./tree.ts";

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "farhelm-line-"));
  symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
});
afterEach(() => {
  rmSync(project, { recursive: true });
});

/** The last line and the exit code of a whole run over one test file. */
function runOf(source: string): { code: number | null; last: string | undefined } {
  writeFileSync(join(project, "a.test.mjs"), `import { expect, test } from "vitest";\n${source}`);
  const reporter = join(root, "test/helpers/closing-line-reporter.ts");
  writeFileSync(
    join(project, "vitest.config.ts"),
    `import { ClosingLineReporter } from ${JSON.stringify(reporter)};
     export default { test: { include: ["*.test.mjs"], reporters: ["default", new ClosingLineReporter()] } };`,
  );
  const { status, stdout } = spawnSync(join(root, "node_modules/.bin/vitest"), ["run"], {
    cwd: project,
    encoding: "utf8",
    env: { ...process.env, FORCE_COLOR: "1" },
  });
  return { code: status, last: stdout.trimEnd().split("\n").at(-1) };
}

describe("the closing line", () => {
  test("counts", () => {
    expect(closingLine({ passed: 3, failed: 0 })).toBe("3 passed, 0 failed");
  });

  test("is the last one of a green run", () => {
    expect(runOf("test('a', () => {}); test.skipIf(true)('b, which needs c', () => {});")).toEqual({
      code: 0,
      last: "1 passed, 0 failed",
    });
  });

  test("is the last one of a red run", () => {
    expect(runOf("test('a', () => {}); test('b', () => { expect(1).toBe(2); });")).toEqual({
      code: 1,
      last: "1 passed, 1 failed",
    });
  });

  test("a file that does not load is a failure, not a silence", () => {
    expect(runOf("throw new Error('broken');")).toEqual({ code: 1, last: "0 passed, 1 failed" });
  });
});
