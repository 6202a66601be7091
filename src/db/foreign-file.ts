/** Files of SQLite that another program made and keeps. */
import Libsql from "libsql";
import type { SqlValue } from "./database.ts";

/** The event loop waits meanwhile; the other program's writes take a few milliseconds. */
const busyTimeoutMs = 200;

/** Runs one statement in an existing file. Throws where it is locked, or not of the expected shape. */
export function runInForeignFile(path: string, sql: string, values: readonly SqlValue[]): void {
  const db = new Libsql(path, { fileMustExist: true });
  try {
    db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    db.prepare(sql).run([...values]);
  } finally {
    db.close();
  }
}
