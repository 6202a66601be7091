/** One writer of a file at a time, over all hosts of this user: a lock file that holds the number of the process. */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { randomUUID } from "node:crypto";

const waitMs = 20;
const maxWaitMs = 10_000;
/** No change takes that long: who holds it so long is not at work on it. */
const staleMs = 30_000;

/** Runs `work` while nobody else holds `path`. Rejects when that takes too long. */
export async function withLock<T>(path: string, work: () => T): Promise<T> {
  const token = `${process.pid} ${randomUUID()}\n`;
  const until = Date.now() + maxWaitMs;
  while (!take(path, token)) {
    if (isStale(path)) setAside(path);
    else if (Date.now() > until)
      throw new Error(`${path} is held by another program. If none runs, delete that file.`);
    await delay(waitMs);
  }
  try {
    return work();
  } finally {
    if (textOf(path) === token) rmSync(path, { force: true });
  }
}

function take(path: string, token: string): boolean {
  try {
    writeFileSync(path, token, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function isStale(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return false;
  if (Date.now() - stat.mtimeMs > staleMs) return true;
  const pid = Number((textOf(path) ?? "").split(" ", 1)[0]);
  return pid > 0 && !isAlive(pid);
}

/** By a rename: of two who find it stale, one takes it away, and not what the other has made since. */
function setAside(path: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    const found = textOf(path);
    renameSync(path, aside);
    const taken = textOf(aside);
    if (taken !== found && taken !== undefined) writeFileSync(path, taken, { flag: "wx" });
  } catch {
    // somebody else was first
  } finally {
    rmSync(aside, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
