/** Connections to Postgres: a bounded pool that finds its way back after a break. The only home of the driver. */
import { setTimeout as delay } from "node:timers/promises";
import { DatabaseError, Pool } from "pg";
import type { PoolClient } from "pg";
import type { StoreError } from "../port.ts";
import { addressOf } from "./address.ts";
import type { DatabaseAddress } from "./address.ts";
import { isPassing, postgresFailure } from "./postgres-failure.ts";

export type Row = Readonly<Record<string, unknown>>;
/** Text goes as `Buffer` where it may hold a NUL, which the type `text` refuses. */
export type SqlValue = string | number | boolean | Buffer | null | readonly (string | Buffer)[];
/** Sends one statement and returns its rows. */
export type Query = (sql: string, values?: readonly SqlValue[]) => Promise<readonly Row[]>;

export interface PostgresLog {
  warn(fields: object, message: string): void;
}

/** Threads wait for each other in the database rather than on this side; most servers allow 100 in all. */
const maxConnections = 8;
const connectTimeoutMs = 10_000;
/** A batch with a 20 MB item on a slow line. */
const statementTimeoutMs = 60_000;
/** After the server's own limit, so that its answer is the one that is told. */
const answerTimeoutMs = statementTimeoutMs + 5000;
/** A server that restarts is back within seconds. */
const retryAfterMs = [100, 400, 1500, 3000];

export class PostgresDatabase {
  readonly address: DatabaseAddress;
  readonly #pool: Pool;
  readonly #retryAfterMs: readonly number[];

  /** Connects with the first statement. Throws `StoreError` where `url` is no address. */
  constructor(url: string, log: PostgresLog, waitsMs: readonly number[] = retryAfterMs) {
    this.address = addressOf(url);
    this.#retryAfterMs = waitsMs;
    this.#pool = new Pool({
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      query_timeout: answerTimeoutMs,
      idle_in_transaction_session_timeout: statementTimeoutMs,
      keepAlive: true,
      application_name: "farhelm",
    });
    this.#pool.on("error", (error) => {
      const failure = this.#failure(error, "keep a connection to the store");
      log.warn({ err: failure }, "a connection to the database was lost");
    });
  }

  /**
   * One statement, or several in a transaction: a throw rolls back. `work` runs again after a break,
   * so that what it does twice must be as if it were done once. `doing` completes "could not …".
   * Rejects with `StoreError`, or with what `work` throws of its own.
   */
  async transaction<T>(doing: string, work: (query: Query) => Promise<T>): Promise<T> {
    const outcome = await this.#insist(doing, async () => {
      const client = await this.#pool.connect();
      let isWhole = false;
      // Between two statements nobody else listens for the connection's end.
      client.on("error", ignore);
      try {
        const made = await transacted(client, work);
        isWhole = true;
        return made;
      } catch (error) {
        isWhole = await rolledBack(client, error);
        throw error;
      } finally {
        client.off("error", ignore);
        client.release(!isWhole);
      }
    });
    if ("thrown" in outcome) throw outcome.thrown;
    return outcome.result;
  }

  /** As `transaction`, for one statement. */
  async query(
    doing: string,
    sql: string,
    values: readonly SqlValue[] = [],
  ): Promise<readonly Row[]> {
    return this.#insist(doing, async () => (await this.#pool.query<Row>(sql, [...values])).rows);
  }

  /** Waits for what runs. */
  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #insist<T>(doing: string, attempt: () => Promise<T>): Promise<T> {
    for (const waitMs of this.#retryAfterMs) {
      try {
        return await attempt();
      } catch (error) {
        if (!isPassing(error)) throw this.#failure(error, doing);
        await delay(waitMs);
      }
    }
    return attempt().catch((error: unknown) => {
      throw this.#failure(error, doing);
    });
  }

  #failure(error: unknown, doing: string): StoreError {
    return postgresFailure(error, doing, this.address);
  }
}

const ignore = (): void => {};

type Outcome<T> = { readonly result: T } | { readonly thrown: unknown };

/** Rejects with what the driver rejects with; what `work` throws of its own is its outcome. */
async function transacted<T>(
  client: PoolClient,
  work: (query: Query) => Promise<T>,
): Promise<Outcome<T>> {
  let failure: unknown;
  const query: Query = async (sql, values = []) => {
    try {
      return (await client.query<Row>(sql, [...values])).rows;
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  await client.query("BEGIN");
  try {
    const result = await work(query);
    await query("COMMIT");
    return { result };
  } catch (error) {
    if (failure !== undefined) throw error;
    await client.query("ROLLBACK");
    return { thrown: error };
  }
}

/** Whether the connection is good for more; without one the server rolls back by itself. */
async function rolledBack(client: PoolClient, error: unknown): Promise<boolean> {
  if (!(error instanceof DatabaseError) || isPassing(error)) return false;
  return client.query("ROLLBACK").then(
    () => true,
    () => false,
  );
}
