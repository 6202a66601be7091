/** Notes beside threads, in Farhelm's own database. */
import type { Database, Row, Statement } from "../../db/database.ts";
import { keptStatements } from "../../db/kept-statements.ts";
import { ThreadId } from "../../protocol/ids.ts";
import type { FoundNote, NoteDraft, NoteKind } from "../port.ts";
import { unreadableNote } from "../port.ts";
import { storeFailure } from "./store-failure.ts";

/** What belongs to the store as a whole. */
const noThread = "";

const steps = [
  `CREATE TABLE store_notes (
     thread_id TEXT NOT NULL,
     kind TEXT NOT NULL,
     value TEXT NOT NULL,
     PRIMARY KEY (thread_id, kind)
   ) WITHOUT ROWID;
   CREATE INDEX store_notes_kind ON store_notes (kind);
   CREATE TABLE store_note_labels (
     kind TEXT NOT NULL,
     label TEXT NOT NULL,
     thread_id TEXT NOT NULL,
     position INTEGER NOT NULL,
     PRIMARY KEY (kind, label, thread_id)
   ) WITHOUT ROWID;
   CREATE INDEX store_note_labels_thread ON store_note_labels (thread_id, kind);`,
];

/** Messages that wait had a table of their own once. */
const queueSteps = [
  `CREATE TABLE store_queued_messages (
     thread_id TEXT NOT NULL,
     position INTEGER NOT NULL,
     id TEXT NOT NULL,
     client_id TEXT NOT NULL,
     input TEXT NOT NULL,
     client_metadata TEXT,
     PRIMARY KEY (thread_id, position)
   ) WITHOUT ROWID`,
  "ALTER TABLE store_queued_messages ADD COLUMN sent_by TEXT",
  `INSERT INTO store_notes
     SELECT thread_id, 'queue', json_group_array(json(message)) FROM (
       SELECT thread_id, json_patch(
         json_object('input', json(input), 'clientMetadata', json(client_metadata)),
         json_object('id', id, 'clientId', client_id, 'from', sent_by)
       ) AS message FROM store_queued_messages ORDER BY thread_id, position
     ) GROUP BY thread_id;
   DROP TABLE store_queued_messages`,
];

export class NoteTable {
  readonly #database: Database;
  readonly #statement: (sql: string) => Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#statement = keptStatements(database);
    database.migrate("store-notes", steps);
    database.migrate("store-queue", queueSteps);
  }

  /** Throws `StoreError` `corrupt`. */
  read<T>(id: ThreadId | null, kind: NoteKind<T>): T | undefined {
    const row = this.#statement(
      "SELECT value FROM store_notes WHERE thread_id = ? AND kind = ?",
    ).get(id ?? noThread, kind.name);
    return row && parsed(kind, row);
  }

  readAll<T>(ids: readonly ThreadId[], kind: NoteKind<T>): ReadonlyMap<ThreadId, T> {
    const rows = this.#statement(
      `SELECT thread_id, value FROM store_notes
        WHERE kind = ? AND thread_id IN (SELECT value FROM json_each(?))`,
    ).all(kind.name, JSON.stringify(ids));
    return new Map(rows.map((row) => [ThreadId.parse(row["thread_id"]), parsed(kind, row)]));
  }

  /** Throws `StoreError`, and what `next` throws. */
  change<T>(
    id: ThreadId | null,
    kind: NoteKind<T>,
    next: (before: T | undefined) => NoteDraft<T> | undefined,
  ): void {
    const draft = next(this.read(id, kind));
    try {
      this.#database.transaction(() => {
        this.#remove(id ?? noThread, kind.name);
        if (draft !== undefined) this.#put(id ?? noThread, kind.name, draft);
      });
    } catch (error) {
      throw storeFailure(error, "keep what belongs to the thread");
    }
  }

  find<T>(kind: NoteKind<T>, label: string | undefined): FoundNote<T>[] {
    const rows =
      label === undefined
        ? this.#statement(
            `SELECT thread_id, archived, value FROM store_notes JOIN store_threads ON id = thread_id
              WHERE kind = ? ORDER BY thread_id`,
          ).all(kind.name)
        : this.#statement(
            `SELECT thread_id, archived, value FROM store_note_labels AS labels
              JOIN store_notes AS notes USING (kind, thread_id) JOIN store_threads ON id = thread_id
              WHERE kind = ? AND label = ? ORDER BY position, thread_id`,
          ).all(kind.name, label);
    return rows.map((row) => ({
      threadId: ThreadId.parse(row["thread_id"]),
      archived: row["archived"] === 1,
      value: parsed(kind, row),
    }));
  }

  /** The thread is gone. */
  removeAll(id: ThreadId): void {
    this.#database.transaction(() => {
      this.#statement("DELETE FROM store_notes WHERE thread_id = ?").run(id);
      this.#statement("DELETE FROM store_note_labels WHERE thread_id = ?").run(id);
    });
  }

  #put<T>(id: string, kind: string, { value, labels = [] }: NoteDraft<T>): void {
    this.#statement("INSERT INTO store_notes VALUES (?, ?, ?)").run(
      id,
      kind,
      JSON.stringify(value),
    );
    for (const { label, position = 0 } of labels) {
      this.#statement("INSERT OR REPLACE INTO store_note_labels VALUES (?, ?, ?, ?)").run(
        kind,
        label,
        id,
        position,
      );
    }
  }

  #remove(id: string, kind: string): void {
    for (const table of ["store_notes", "store_note_labels"]) {
      this.#statement(`DELETE FROM ${table} WHERE thread_id = ? AND kind = ?`).run(id, kind);
    }
  }
}

function parsed<T>(kind: NoteKind<T>, row: Row): T {
  try {
    return kind.parse(JSON.parse(String(row["value"])));
  } catch (error) {
    throw unreadableNote(kind.name, error);
  }
}
