/** Locks that the kernel drops when the process ends, the same that the stock server takes. */
import { spawn } from "node:child_process";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";

/**
 * Locks the open file description by handing it to flock(1): the lock outlives the child, because
 * this process keeps the description open. False where another program holds it for `waitSeconds`,
 * undefined where there is no such program.
 */
export function flock(file: FileHandle, waitSeconds: number): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const child = spawn("flock", ["-w", String(waitSeconds), "-x", "3"], {
      stdio: ["ignore", "ignore", "ignore", file.fd],
    });
    child.once("error", () => resolve(undefined));
    child.once("close", (code) => resolve(code === 0));
  });
}

/** A holder writes one line; who holds it longer has hung, and names matter less than going on. */
const waitSeconds = 2;

/** Does `work` while the lock file at `path` is held. */
export async function whileLocked(path: string, work: () => Promise<void>): Promise<void> {
  const file = await open(path, "a", 0o600);
  try {
    await flock(file, waitSeconds);
    await work();
  } finally {
    await file.close();
  }
}
