/** What people and the agent said in stored threads, where it is found by any part of a word. Made anew from the files. */
import type { Database, SqlValue, Statement } from "../../db/database.ts";
import { keptStatements } from "../../db/kept-statements.ts";
import { textOf } from "../rollout/members.ts";

const steps = [
  `CREATE TABLE store_message_files (
     thread_id TEXT PRIMARY KEY, path TEXT NOT NULL, mtime_ms INTEGER NOT NULL, size INTEGER NOT NULL,
     end_offset INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE store_messages (id INTEGER PRIMARY KEY, thread_id TEXT NOT NULL, text TEXT NOT NULL) STRICT;
   CREATE INDEX store_messages_thread ON store_messages (thread_id, id);
   CREATE VIRTUAL TABLE store_message_words USING fts5 (
     text, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1'
   );`,
];

/** A thread's file as the list of threads knows it. */
export interface ListedFile {
  readonly threadId: string;
  readonly path: string;
  readonly mtimeMs: number;
  readonly size: number;
  /** What of this file was read already; 0: nothing, or it is another file by now. */
  readonly endOffset: number;
}

/** What was read of a file: the rest of it, or, with `anew`, all that counts of it. */
export interface ReadMessages {
  readonly file: ListedFile;
  readonly anew: boolean;
  readonly texts: readonly { readonly text: string; readonly folded: string }[];
}

export class MessageTable {
  readonly #database: Database;
  readonly #statement: (sql: string) => Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#statement = keptStatements(database);
    database.migrate("messages", steps);
  }

  /** The files that changed since they were read. What belongs to threads that are gone goes too. */
  changed(): readonly ListedFile[] {
    const gone = this.#all(
      `SELECT thread_id FROM store_message_files AS files
       WHERE NOT EXISTS (SELECT 1 FROM store_threads WHERE id = files.thread_id)`,
    );
    for (const row of gone) this.remove(textOf(row["thread_id"]) ?? "");
    return this.#all(
      `SELECT threads.id, threads.path, threads.mtime_ms, threads.size,
         CASE WHEN files.path = threads.path AND files.end_offset <= threads.size THEN files.end_offset ELSE 0 END AS end_offset
       FROM store_threads AS threads LEFT JOIN store_message_files AS files ON files.thread_id = threads.id
       WHERE files.thread_id IS NULL OR files.path <> threads.path
         OR files.mtime_ms <> threads.mtime_ms OR files.size <> threads.size`,
    ).map((row) => ({
      threadId: textOf(row["id"]) ?? "",
      path: textOf(row["path"]) ?? "",
      mtimeMs: Number(row["mtime_ms"]),
      size: Number(row["size"]),
      endOffset: Number(row["end_offset"]),
    }));
  }

  put(read: readonly ReadMessages[]): void {
    this.#database.transaction(() => {
      for (const { file, anew, texts } of read) {
        if (anew) this.#removeMessages(file.threadId);
        for (const { text, folded } of texts) {
          const row = this.#get(
            "INSERT INTO store_messages (thread_id, text) VALUES (?, ?) RETURNING id",
            file.threadId,
            text,
          );
          this.#run(
            "INSERT INTO store_message_words (rowid, text) VALUES (?, ?)",
            Number(row?.["id"]),
            folded,
          );
        }
        this.#run(
          `INSERT INTO store_message_files VALUES (?,?,?,?,?) ON CONFLICT (thread_id) DO UPDATE SET
             path = excluded.path, mtime_ms = excluded.mtime_ms, size = excluded.size, end_offset = excluded.end_offset`,
          file.threadId,
          file.path,
          file.mtimeMs,
          file.size,
          file.endOffset,
        );
      }
    });
  }

  remove(threadId: string): void {
    this.#database.transaction(() => {
      this.#removeMessages(threadId);
      this.#run("DELETE FROM store_message_files WHERE thread_id = ?", threadId);
    });
  }

  /**
   * The first message of each thread in which the term stands, by thread. Undefined where more than
   * `maxMessages` have it, or where the term is too short for the index.
   */
  found(term: string, maxMessages: number): ReadonlyMap<string, number> | undefined {
    if (Array.from(term).length < charsInIndex || term.includes("\0")) return undefined;
    const rows = this.#all(
      `SELECT thread_id, id FROM store_messages WHERE id IN (
         SELECT rowid FROM store_message_words WHERE store_message_words MATCH ? LIMIT ?)`,
      `"${term.replaceAll('"', '""')}"`,
      maxMessages + 1,
    );
    if (rows.length > maxMessages) return undefined;
    const first = new Map<string, number>();
    for (const row of rows) {
      const threadId = textOf(row["thread_id"]) ?? "";
      const id = Number(row["id"]);
      first.set(threadId, Math.min(id, first.get(threadId) ?? id));
    }
    return first;
  }

  text(messageId: number): string {
    return (
      textOf(this.#get("SELECT text FROM store_messages WHERE id = ?", messageId)?.["text"]) ?? ""
    );
  }

  /** All that was said in a thread, oldest first. */
  texts(threadId: string): readonly string[] {
    return this.#all(
      "SELECT text FROM store_messages WHERE thread_id = ? ORDER BY id",
      threadId,
    ).map((row) => textOf(row["text"]) ?? "");
  }

  #removeMessages(threadId: string): void {
    this.#run(
      "DELETE FROM store_message_words WHERE rowid IN (SELECT id FROM store_messages WHERE thread_id = ?)",
      threadId,
    );
    this.#run("DELETE FROM store_messages WHERE thread_id = ?", threadId);
  }

  #run(sql: string, ...values: SqlValue[]): void {
    this.#statement(sql).run(...values);
  }
  #get(sql: string, ...values: SqlValue[]) {
    return this.#statement(sql).get(...values);
  }
  #all(sql: string, ...values: SqlValue[]) {
    return this.#statement(sql).all(...values);
  }
}

/** The index knows every three characters that stand together. */
const charsInIndex = 3;
