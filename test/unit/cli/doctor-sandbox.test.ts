import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "./fake-outside.ts";

test("doctor tells of a machine without a sandbox, which is no fault", async () => {
  const home = mkdtempSync(join(tmpdir(), "farhelm-doctor-"));
  const { out } = await runCli(["doctor"], {
    env: { HOME: "/", FARHELM_HOME: home },
    noSandbox: "bubblewrap is not installed; install it",
  });
  expect(out).toContain("note  no sandbox: bubblewrap is not installed; install it");
  rmSync(home, { recursive: true });
});
