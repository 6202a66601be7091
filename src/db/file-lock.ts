import Libsql from "libsql";

export interface FileLock {
  release(): void;
}

/**
 * Holds `file` for this process; undefined when another process holds it. The kernel gives the lock
 * up when the process ends, however it ends, so a crash leaves nothing to clean.
 */
export function holdFile(file: string): FileLock | undefined {
  const db = new Libsql(file);
  try {
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
    return { release: () => db.close() };
  } catch (error) {
    db.close();
    if (error instanceof Error && /locked|busy/i.test(error.message)) return undefined;
    throw error;
  }
}
