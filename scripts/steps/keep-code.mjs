import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Longer than a start takes on any machine. */
const timeoutMs = 60_000;

/**
 * Starts the host of `dist` once, in homes of its own, so that it leaves its compiled code beside its
 * files (scripts/launcher.cjs). Where that does not work, every start takes longer, and no more.
 */
export async function keepCode(dist) {
  const home = mkdtempSync(join(tmpdir(), "farhelm-build-"));
  try {
    const args = [join(dist, "main.js"), "up", "--listen", "127.0.0.1:0"];
    const homes = { HOME: home, CODEX_HOME: home, FARHELM_HOME: join(home, "farhelm") };
    const host = spawn(process.execPath, args, {
      cwd: home,
      env: { PATH: process.env.PATH, ...homes, FARHELM_KEEP_CODE: "1" },
      stdio: ["ignore", "pipe", "ignore"],
      timeout: timeoutMs,
    });
    // The line that says that it is ready.
    host.stdout.once("data", () => host.kill());
    await once(host, "close");
  } catch {
    // as without it
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
