/**
 * Farhelm's own SQLite file: opened once, shared by the rooms that keep state in it.
 * The only home of the SQLite driver.
 */
import { closeSync, openSync } from "node:fs";
import Libsql from "libsql";
import { openFailure } from "./open-failure.ts";

export type SqlValue = string | number | bigint | Buffer | null;
export type Row = Readonly<Record<string, SqlValue>>;

export interface Statement {
  run(...values: SqlValue[]): void;
  get(...values: SqlValue[]): Row | undefined;
  all(...values: SqlValue[]): Row[];
}

export interface Database {
  prepare(sql: string): Statement;
  exec(sql: string): void;
  /** Runs `work` in one transaction; a throw rolls back. */
  transaction<T>(work: () => T): T;
  /**
   * Brings one room's tables up to date. `steps` are SQL scripts, oldest first, never edited once
   * released: each runs once, in its own transaction.
   */
  migrate(owner: string, steps: readonly string[]): void;
  close(): void;
}

/** Opens (and creates, 0600) the file with WAL and a 5 s busy time-out. `:memory:` for tests. Throws an Error that says what to do. */
export function openDatabase(file: string): Database {
  const db = openFile(file);

  const transaction = <T>(work: () => T): T => {
    db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      db.exec("COMMIT");
      return result;
    } catch (error) {
      // on a full disk SQLite has rolled back by itself; what counts is why
      if (db.inTransaction) db.exec("ROLLBACK");
      throw error;
    }
  };

  return {
    prepare: (sql) => {
      const statement = db.prepare(sql);
      return {
        // As one list: a single value that is an object would be read as named parameters.
        run: (...values) => void statement.run(values),
        get: (...values) => [statement.get(values)].find(isRow),
        all: (...values) => statement.all(values).filter(isRow).map(withBuffers),
      };
    },
    exec: (sql) => void db.exec(sql),
    transaction,
    migrate(owner, steps) {
      const row = db.prepare("SELECT version FROM migrations WHERE owner = ?").get(owner);
      const done = isRow(row) ? Number(row["version"]) : 0;
      if (done > steps.length) {
        throw new Error(
          `the state of ${owner} was written by a newer Farhelm (version ${done}, this one knows ${steps.length}); update Farhelm`,
        );
      }
      steps.slice(done).forEach((sql, index) => {
        transaction(() => {
          db.exec(sql);
          db.prepare(
            "INSERT INTO migrations VALUES (?, ?) ON CONFLICT (owner) DO UPDATE SET version = excluded.version",
          ).run(owner, done + index + 1);
        });
      });
    },
    close: () => db.close(),
  };
}

function openFile(file: string): Libsql.Database {
  try {
    if (file !== ":memory:") closeSync(openSync(file, "a", 0o600));
    const db = new Libsql(file);
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;");
    db.exec(
      "CREATE TABLE IF NOT EXISTS migrations (owner TEXT PRIMARY KEY, version INTEGER NOT NULL)",
    );
    return db;
  } catch (error) {
    throw openFailure(file, error);
  }
}

const isRow = (value: unknown): value is Row => typeof value === "object" && value !== null;

/** The driver's lists hold bytes as `ArrayBuffer`, its single rows as `Buffer`. */
function withBuffers(row: Row): Row {
  const values: readonly unknown[] = Object.values(row);
  if (!values.some((value) => value instanceof ArrayBuffer)) return row;
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => {
      const bytes: unknown = value;
      return [key, bytes instanceof ArrayBuffer ? Buffer.from(bytes) : value];
    }),
  );
}
