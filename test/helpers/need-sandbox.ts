/** For tests of commands in the sandbox of this machine. */
import { expect } from "vitest";
import type { TestContext } from "vitest";
import { checkSandbox } from "../../src/tools/sandbox/sandbox.ts";

/** Why none works here; looked at once for all tests of a file. */
let looked: Promise<string | undefined> | undefined;

/** Skips the test, and says so, where none works; on CI it fails. */
export async function needSandbox({ skip }: Pick<TestContext, "skip">): Promise<void> {
  looked ??= checkSandbox(process.env["PATH"]).then(() => undefined, String);
  const why = await looked;
  if (why === undefined) return;
  if (process.env["CI"] === "true") expect.fail(`no sandbox works here: ${why}`);
  process.stderr.write(`SKIPPED: commands in a sandbox; ${why}\n`);
  skip(`SKIPPED: no sandbox works here: ${why}`);
}
