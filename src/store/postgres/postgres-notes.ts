/** Notes beside threads, in Postgres. */
import { ThreadId } from "../../protocol/ids.ts";
import type { FoundNote, NoteDraft, NoteKind, ThreadNotes } from "../port.ts";
import { unreadableNote } from "../port.ts";
import { threadNotFound } from "../thread-failures.ts";
import type { PostgresDatabase, Query, Row } from "./database.ts";
import { bytesOf } from "./thread-rows.ts";

/** What belongs to the store as a whole. */
const noThread = "";
const readSql = "SELECT value FROM farhelm.notes WHERE thread_id = $1 AND kind = $2";

export class PostgresNotes implements ThreadNotes {
  readonly #database: PostgresDatabase;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async read<T>(id: ThreadId | null, kind: NoteKind<T>): Promise<T | undefined> {
    const doing = "read what belongs to the thread";
    const [row] = await this.#database.query(doing, readSql, [id ?? noThread, kind.name]);
    return row && parsed(kind, row);
  }

  async readAll<T>(ids: readonly ThreadId[], kind: NoteKind<T>): Promise<ReadonlyMap<ThreadId, T>> {
    const rows = await this.#database.query(
      "read what belongs to the threads",
      "SELECT thread_id, value FROM farhelm.notes WHERE thread_id = ANY($1::text[]) AND kind = $2",
      [ids, kind.name],
    );
    return new Map(rows.map((row) => [ThreadId.parse(row["thread_id"]), parsed(kind, row)]));
  }

  async change<T>(
    id: ThreadId | null,
    kind: NoteKind<T>,
    next: (before: T | undefined) => NoteDraft<T> | undefined,
  ): Promise<void> {
    const key = id ?? noThread;
    await this.#database.transaction("keep what belongs to the thread", async (query) => {
      await held(query, id);
      const [row] = await query(readSql, [key, kind.name]);
      const draft = next(row && parsed(kind, row));
      for (const table of ["farhelm.notes", "farhelm.note_labels"]) {
        await query(`DELETE FROM ${table} WHERE thread_id = $1 AND kind = $2`, [key, kind.name]);
      }
      if (draft !== undefined) await put(query, key, kind.name, draft);
    });
  }

  async find<T>(kind: NoteKind<T>, label?: string): Promise<readonly FoundNote<T>[]> {
    const doing = "look for what belongs to threads";
    const rows =
      label === undefined
        ? await this.#database.query(
            doing,
            `SELECT thread_id, archived, value FROM farhelm.notes
             JOIN farhelm.threads ON id = thread_id WHERE kind = $1 ORDER BY thread_id`,
            [kind.name],
          )
        : await this.#database.query(
            doing,
            `SELECT thread_id, archived, value FROM farhelm.note_labels
             JOIN farhelm.notes USING (kind, thread_id) JOIN farhelm.threads ON id = thread_id
             WHERE kind = $1 AND label = $2 ORDER BY position, thread_id`,
            [kind.name, bytesOf(label)],
          );
    return rows.map((row) => ({
      threadId: ThreadId.parse(row["thread_id"]),
      archived: row["archived"] === true,
      value: parsed(kind, row),
    }));
  }
}

/** One change at a time, of a thread that is there: until the end of the transaction its row is locked. */
async function held(query: Query, id: ThreadId | null): Promise<void> {
  if (id === null) {
    await query("SELECT FROM farhelm.schema_version FOR UPDATE");
    return;
  }
  const sql = "SELECT id FROM farhelm.threads WHERE id = $1 AND begun FOR NO KEY UPDATE";
  if ((await query(sql, [id])).length === 0) throw threadNotFound(id);
}

async function put<T>(
  query: Query,
  id: string,
  kind: string,
  { value, labels = [] }: NoteDraft<T>,
): Promise<void> {
  await query("INSERT INTO farhelm.notes VALUES ($1, $2, $3)", [id, kind, JSON.stringify(value)]);
  for (const { label, position = 0 } of labels) {
    await query(
      `INSERT INTO farhelm.note_labels VALUES ($1, $2, $3, $4)
       ON CONFLICT (kind, label, thread_id) DO UPDATE SET position = excluded.position`,
      [kind, bytesOf(label), id, position],
    );
  }
}

function parsed<T>(kind: NoteKind<T>, row: Row): T {
  try {
    return kind.parse(JSON.parse(String(row["value"])));
  } catch (error) {
    throw unreadableNote(kind.name, error);
  }
}
