/** The messages that wait for threads, in Farhelm's own database. */
import type { Database } from "../../db/database.ts";
import { ThreadId } from "../../protocol/ids.ts";
import { UserInput } from "../../protocol/user-input.ts";
import { isRecord } from "../../util/is-record.ts";
import type { QueuedMessage } from "../port.ts";
import { storeFailure } from "./store-failure.ts";

const steps = [
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
];

export class MessageQueues {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.migrate("store-queue", steps);
  }

  /** The next one first. */
  read(threadId: ThreadId): readonly QueuedMessage[] {
    return this.#database
      .prepare("SELECT * FROM store_queued_messages WHERE thread_id = ? ORDER BY position")
      .all(threadId)
      .map((row) => ({
        id: String(row["id"]),
        input: UserInput.array().parse(JSON.parse(String(row["input"]))),
        clientId: String(row["client_id"]),
        clientMetadata: metadataOf(row["client_metadata"]),
        ...(typeof row["sent_by"] === "string" ? { from: row["sent_by"] } : {}),
      }));
  }

  threads(): readonly ThreadId[] {
    return this.#database
      .prepare("SELECT DISTINCT thread_id FROM store_queued_messages")
      .all()
      .map((row) => ThreadId.parse(row["thread_id"]));
  }

  /** Replaces them all. Throws `StoreError`. */
  write(threadId: ThreadId, messages: readonly QueuedMessage[]): void {
    try {
      this.#database.transaction(() => {
        this.#database
          .prepare("DELETE FROM store_queued_messages WHERE thread_id = ?")
          .run(threadId);
        const insert = this.#database.prepare(
          "INSERT INTO store_queued_messages VALUES (?, ?, ?, ?, ?, ?, ?)",
        );
        for (const [position, message] of messages.entries()) {
          const { id, clientId, clientMetadata, from } = message;
          const input = JSON.stringify(message.input);
          const metadata = clientMetadata && JSON.stringify(clientMetadata);
          insert.run(threadId, position, id, clientId, input, metadata, from ?? null);
        }
      });
    } catch (error) {
      throw storeFailure(error, "keep the messages that wait for the thread");
    }
  }
}

function metadataOf(stored: unknown): QueuedMessage["clientMetadata"] {
  const metadata: unknown = typeof stored === "string" ? JSON.parse(stored) : null;
  if (!isRecord(metadata)) return null;
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, String(value)]));
}
