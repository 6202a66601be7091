/** The rows of threads: finding them, changing them, and taking them for this host. */
import { ThreadId } from "../../protocol/ids.ts";
import type { ThreadMeta } from "../port.ts";
import { StoreError } from "../port.ts";
import type { PostgresDatabase, SqlValue } from "./database.ts";
import { isAscii } from "../../util/folded-text.ts";
import { isThere } from "./host-presence.ts";
import { columns, newColumns, newValues, rowOf } from "./thread-rows.ts";
import type { ThreadRow } from "./thread-rows.ts";
import { threadNotFound } from "../thread-failures.ts";
import { freshRecord } from "../thread-record.ts";

/** A thread that nobody said anything in for so long is forgotten. */
const unsaidKeptMs = 30 * 24 * 60 * 60 * 1000;

export class ThreadTable {
  readonly #database: PostgresDatabase;
  /** This host's name in `writer`. */
  readonly #token: string;

  constructor(database: PostgresDatabase, token: string) {
    this.#database = database;
    this.#token = token;
  }

  /** Keeps a thread without a history. Rejects with `StoreError`. */
  async reserve(meta: ThreadMeta): Promise<void> {
    const values = newValues(meta, freshRecord(meta), this.#token);
    await this.#database.query("keep a new thread", reserveSql, values);
  }

  /** Forgets what was reserved long ago and not used. Rejects with `StoreError`. */
  async forgetUnsaid(nowMs: number): Promise<void> {
    await this.#database.query(
      "forget unused threads",
      `DELETE FROM farhelm.threads t WHERE NOT begun AND created_at < $1 AND NOT ${isThere}`,
      [Math.floor(nowMs - unsaidKeptMs)],
    );
  }

  /** Rejects with `StoreError`. */
  async find(id: ThreadId): Promise<ThreadRow | undefined> {
    const sql = `SELECT ${columns}, ${isThere} AS is_written FROM farhelm.threads t WHERE id = $1`;
    const [row] = await this.#database.query("look for the thread", sql, [id]);
    return row && rowOf(row);
  }

  /** Makes this host the one that writes the thread. Rejects with `StoreError`: `notFound`, `busy`. */
  async take(id: ThreadId): Promise<ThreadRow> {
    const sql = `UPDATE farhelm.threads t SET writer = $2
      WHERE id = $1 AND (writer = $2 OR NOT ${isThere}) RETURNING ${columns}`;
    const [row] = await this.#database.query("open the thread", sql, [id, this.#token]);
    if (row !== undefined) return rowOf(row);
    if ((await this.find(id)) === undefined) throw threadNotFound(id);
    throw new StoreError(
      "busy",
      `Another host is writing thread ${id}. Close the thread there, or stop that host, and try again.`,
    );
  }

  /** `change` is an assignment of `$2`. Undefined where there is no such thread. Rejects with `StoreError`. */
  async change(
    id: ThreadId,
    change: "name = $2" | "archived = $2" | "git = $2",
    value: SqlValue,
  ): Promise<ThreadRow | undefined> {
    const sql = `UPDATE farhelm.threads t SET ${change} WHERE id = $1 RETURNING ${columns}`;
    const [row] = await this.#database.query("change the thread", sql, [id, value]);
    return row && rowOf(row);
  }

  /**
   * The threads in whose lines the term may stand: those that have it, in JSON's spelling and in any
   * case, and those with signs of which Postgres may know the case otherwise. Undefined: any.
   */
  async mayHold(term: string): Promise<ReadonlySet<ThreadId> | undefined> {
    if (!isAscii(term)) return undefined;
    const sql = `SELECT DISTINCT thread_id FROM farhelm.history
      WHERE position($1 in lower(lines)) > 0 OR lines ~ '[^\\x01-\\x7f]'`;
    const spelled = JSON.stringify(term).slice(1, -1).toLowerCase();
    const rows = await this.#database.query("search in the threads", sql, [spelled]);
    return new Set(rows.map((row) => ThreadId.parse(row["thread_id"])));
  }

  /** With all that belongs to it. Rejects with `StoreError`. */
  async remove(id: ThreadId): Promise<void> {
    await this.#database.transaction("remove the thread", async (query) => {
      await query("DELETE FROM farhelm.notes WHERE thread_id = $1", [id]);
      await query("DELETE FROM farhelm.note_labels WHERE thread_id = $1", [id]);
      await query("DELETE FROM farhelm.threads WHERE id = $1", [id]);
    });
  }
}

/** A row that is there already stays as it is. Takes `newValues`. */
export const reserveSql = `INSERT INTO farhelm.threads (${newColumns}, begun, next_ordinal, last_batch)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, false, 0, 0)
  ON CONFLICT (id) DO NOTHING`;
