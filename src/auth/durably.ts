import type { Database } from "../db/database.ts";

/** A transaction that is on the disk when it returns: no power cut revives what was revoked. */
export function durably<T>(database: Database, work: () => T): T {
  database.exec("PRAGMA synchronous = FULL");
  try {
    return database.transaction(work);
  } finally {
    database.exec("PRAGMA synchronous = NORMAL");
  }
}
