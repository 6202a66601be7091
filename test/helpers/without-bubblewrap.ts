/** A machine without a sandbox: hosts that start meanwhile find every program but bubblewrap. */
import { mkdtempSync, readdirSync, symlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { onTestFinished, vi } from "vitest";

/** Until the end of the test. */
export function withoutBubblewrap(): void {
  const folder = mkdtempSync(join(tmpdir(), "farhelm-programs-"));
  const seen = new Set(["bwrap"]);
  for (const from of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of namesIn(from)) {
      if (seen.has(name)) continue;
      seen.add(name);
      symlinkSync(join(from, name), join(folder, name));
    }
  }
  vi.stubEnv("PATH", folder);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
