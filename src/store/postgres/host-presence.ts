/**
 * This host among those that share the database: a row that it keeps fresh. A thread belongs to the
 * host whose token stands in its row, for as long as that host is seen; who takes it over changes the
 * token, and every write of the former one asks for its own. The database's clock is the only one.
 */
import { randomUUID } from "node:crypto";
import type { ThreadId } from "../../protocol/ids.ts";
import type { PostgresDatabase, PostgresLog } from "./database.ts";

const beatMs = 5000;
/** Four beats: a host that is busy for a moment keeps its threads. */
const goneAfterS = 20;

/** Whether the host is there that `writer` names; the table's alias is `t`. */
export const isThere = `EXISTS (SELECT FROM farhelm.hosts h
  WHERE h.token = t.writer AND h.seen_at > clock_timestamp() - interval '${goneAfterS} s')`;

export interface PresenceParts {
  readonly database: PostgresDatabase;
  readonly log: PostgresLog;
  /** The same after a restart: what its former run had open is free at once. */
  readonly installation: string;
}

export class HostPresence {
  readonly token = randomUUID();
  readonly #parts: PresenceParts;
  /** Threads that were given up while the database could not be told. */
  readonly #given = new Set<ThreadId>();
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
  }

  /** Rejects with `StoreError`. */
  async begin(): Promise<void> {
    const { database, installation } = this.#parts;
    await database.transaction("announce this host", async (query) => {
      await query(
        "DELETE FROM farhelm.hosts WHERE installation = $1 OR seen_at < clock_timestamp() - interval '1 day'",
        [installation],
      );
      await query(seen, [this.token, installation]);
    });
    this.#timer = setInterval(() => {
      this.#beating ??= this.#beat().finally(() => {
        this.#beating = undefined;
      });
    }, beatMs);
    this.#timer.unref();
  }

  /** Lets another host write the thread. */
  async giveUp(id: ThreadId): Promise<void> {
    this.#given.add(id);
    await this.#tell().catch((error: unknown) => {
      this.#parts.log.warn({ err: error, threadId: id }, "a thread could not be given up yet");
    });
  }

  /** The thread is opened here again. */
  keep(id: ThreadId): void {
    this.#given.delete(id);
  }

  /** Gives up what is left. */
  async close(): Promise<void> {
    // Nobody knows of a host that did not begin.
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    await this.#beating;
    await this.#parts.database
      .query("take leave", "DELETE FROM farhelm.hosts WHERE token = $1", [this.token])
      .catch((error: unknown) => {
        this.#parts.log.warn({ err: error }, `its threads are free in ${goneAfterS} s`);
      });
  }

  async #beat(): Promise<void> {
    const { database, installation, log } = this.#parts;
    try {
      await database.query("say that this host is there", seen, [this.token, installation]);
      await this.#tell();
    } catch (error) {
      log.warn({ err: error }, "other hosts may take over its threads");
    }
  }

  async #tell(): Promise<void> {
    const ids = [...this.#given];
    if (ids.length === 0) return;
    await this.#parts.database.query(
      "give threads up",
      "UPDATE farhelm.threads SET writer = NULL WHERE id = ANY($1::text[]) AND writer = $2",
      [ids, this.token],
    );
    for (const id of ids) this.#given.delete(id);
  }
}

const seen = `INSERT INTO farhelm.hosts VALUES ($1, $2, clock_timestamp())
  ON CONFLICT (token) DO UPDATE SET seen_at = excluded.seen_at`;
