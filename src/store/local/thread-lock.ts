/**
 * One writer per thread, across programs: an exclusive flock(2) on `thread-writer-locks/ID.lock` in
 * CODEX_HOME, the same that the stock server takes. The kernel drops it when the process ends.
 */
import { open, stat, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { StoreError } from "../port.ts";
import { flock } from "./flock.ts";
import { makeFolder } from "./folder.ts";

export interface HeldLock {
  release(): Promise<void>;
}

export interface ThreadLocks {
  /** Rejects with `StoreError` `busy` while another program, or another store, writes the thread. */
  take(id: string): Promise<HeldLock>;
}

const isCurrent = async (file: FileHandle, path: string): Promise<boolean> => {
  const [held, named] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return named?.ino === held.ino;
};

/** `warn` is told once, where this machine cannot lock. */
export function threadLocksIn(codexHome: string, warn: (message: string) => void): ThreadLocks {
  const folder = join(codexHome, "thread-writer-locks");
  let warned = false;

  const take = async (id: string): Promise<HeldLock> => {
    await makeFolder(folder);
    const path = join(folder, `${id}.lock`);
    const file = await open(path, "a", 0o600);
    const locked = await flock(file, 0);
    if (locked === false) {
      await file.close();
      throw new StoreError(
        "busy",
        `Another program is writing thread ${id}. Close the thread there, or stop that program, and try again.`,
      );
    }
    if (locked === undefined && !warned) {
      warned = true;
      warn("no flock program on this machine: two programs could write one thread");
    }
    // The former holder removes the file as it lets go: then the lock is on a file without a name.
    if (!(await isCurrent(file, path))) {
      await file.close();
      return take(id);
    }
    return {
      release: async () => {
        await unlink(path).catch(() => undefined);
        await file.close();
      },
    };
  };
  return { take };
}
