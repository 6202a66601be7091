/**
 * A Postgres database for one test file: a fresh one on the server of DATABASE_URL where that is set,
 * else PGlite in this process. Never the database that DATABASE_URL names.
 */
import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { startPostgresBridge } from "./postgres-bridge.ts";

export interface PostgresTestDatabase {
  readonly url: string;
  /** Whether its server has many sessions. */
  readonly isServer: boolean;
  /** Sends one statement. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** As it was at the start: empty. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function startPostgresDatabase(): Promise<PostgresTestDatabase> {
  const server = process.env["DATABASE_URL"];
  if (server === undefined || server === "") {
    const bridge = await startPostgresBridge();
    return databaseAt(bridge.url, false, () => bridge.close());
  }
  const name = `farhelm_test_${randomBytes(6).toString("hex")}`;
  await once(server, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
  const url = new URL(server);
  url.pathname = name;
  return databaseAt(url.href, true, async () => {
    await once(server, `DROP DATABASE ${name} WITH (FORCE)`);
  });
}

function databaseAt(
  url: string,
  isServer: boolean,
  close: () => Promise<void>,
): PostgresTestDatabase {
  const query = (sql: string): ReturnType<typeof once> => once(url, sql);
  return {
    url,
    isServer,
    query,
    clear: async () => void (await query("DROP SCHEMA IF EXISTS farhelm CASCADE")),
    close,
  };
}

async function once(
  url: string,
  sql: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Readonly<Record<string, unknown>>>(sql)).rows;
  } finally {
    await client.end();
  }
}
