import Libsql from "libsql";
import { openFailure } from "./open-failure.ts";

export interface FileLock {
  release(): void;
}

/**
 * Holds `file` for this process; undefined when another process holds it. The kernel gives the lock
 * up when the process ends, however it ends, so a crash leaves nothing to clean.
 */
export function holdFile(file: string): FileLock | undefined {
  let db: Libsql.Database | undefined;
  try {
    db = new Libsql(file);
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
    const held = db;
    return { release: () => void held.close() };
  } catch (error) {
    db?.close();
    if (error instanceof Error && /locked|busy/i.test(error.message)) return undefined;
    throw openFailure(file, error);
  }
}
