/** Threads that were started and not written to yet: no file names them, so Farhelm's own database does. */
import type { Database } from "../../db/database.ts";
import { isRecord } from "../../util/is-record.ts";
import type { GitInfo } from "../../protocol/thread.ts";
import type { ThreadMeta } from "../port.ts";
import { decodeMeta, encodeMeta } from "../rollout/meta-coding.ts";

/** A thread that nobody said anything in for so long is forgotten. */
const keptMs = 30 * 24 * 60 * 60 * 1000;

const steps = [
  `CREATE TABLE store_reservations (
     thread_id TEXT PRIMARY KEY,
     created_at_ms INTEGER NOT NULL,
     meta TEXT NOT NULL,
     name TEXT
   ) WITHOUT ROWID`,
];

export interface Reservation {
  readonly meta: ThreadMeta;
  readonly name: string | null;
}

export class Reservations {
  readonly #database: Database;

  constructor(database: Database, nowMs: number) {
    this.#database = database;
    database.migrate("store-reservations", steps);
    database.prepare("DELETE FROM store_reservations WHERE created_at_ms < ?").run(nowMs - keptMs);
  }

  keep(meta: ThreadMeta): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO store_reservations VALUES (?, ?, ?, NULL)")
      .run(meta.id, meta.createdAtMs, JSON.stringify(encodeMeta(meta)));
  }

  rename(id: string, name: string): void {
    this.#database
      .prepare("UPDATE store_reservations SET name = ? WHERE thread_id = ?")
      .run(name, id);
  }

  setGitInfo(id: string, gitInfo: GitInfo | null): void {
    const known = this.find(id);
    if (known === undefined) return;
    this.#database
      .prepare("UPDATE store_reservations SET meta = ? WHERE thread_id = ?")
      .run(JSON.stringify(encodeMeta({ ...known.meta, gitInfo })), id);
  }

  find(id: string): Reservation | undefined {
    const row = this.#database
      .prepare("SELECT * FROM store_reservations WHERE thread_id = ?")
      .get(id);
    if (row === undefined) return undefined;
    const payload: unknown = JSON.parse(String(row["meta"]));
    const meta = isRecord(payload) ? decodeMeta(payload, Number(row["created_at_ms"])) : undefined;
    const { name } = row;
    return meta && { meta, name: typeof name === "string" ? name : null };
  }

  /** The thread has a file now, or is gone. */
  end(id: string): void {
    this.#database.prepare("DELETE FROM store_reservations WHERE thread_id = ?").run(id);
  }
}
