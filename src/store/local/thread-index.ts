/**
 * The list of threads in Farhelm's own SQLite file; it can be made again from the rollouts, but for
 * the repository that somebody set for a `paginated` thread (the stock server keeps that in a file of its own too).
 */
import { setImmediate } from "node:timers/promises";
import type { Database, Row, SqlValue, Statement } from "../../db/database.ts";
import { keptStatements } from "../../db/kept-statements.ts";
import { ThreadId } from "../../protocol/ids.ts";
import { sourceKindOf, spawnOf } from "../../protocol/session-source.ts";
import type { ThreadMeta, ThreadPage, ThreadRecord } from "../port.ts";
import { pageCursors } from "../page-cursor.ts";
import { parseRecord, recordOf, textOf } from "../rollout/members.ts";
import { decodeMeta, encodeMeta } from "../rollout/meta-coding.ts";
import type { IndexQuery } from "./thread-conditions.ts";
import { isListed, pageStatement } from "./thread-conditions.ts";
import { ThreadKinds } from "./thread-kinds.ts";

const steps = [
  `CREATE TABLE store_threads (
     id TEXT PRIMARY KEY, path TEXT NOT NULL, mtime_ms INTEGER NOT NULL, size INTEGER NOT NULL,
     created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, recency_at INTEGER NOT NULL,
     archived INTEGER NOT NULL, cwd TEXT NOT NULL, provider TEXT NOT NULL, source_kind TEXT NOT NULL,
     preview TEXT NOT NULL, name TEXT, model TEXT, effort TEXT, meta TEXT NOT NULL
   ) STRICT;
   CREATE INDEX store_threads_created ON store_threads (archived, created_at, id);
   CREATE INDEX store_threads_updated ON store_threads (archived, updated_at, id);
   CREATE INDEX store_threads_recency ON store_threads (archived, recency_at, id);`,
  `ALTER TABLE store_threads ADD COLUMN parent_id TEXT;
   UPDATE store_threads SET
     parent_id = meta ->> '$.source.subagent.thread_spawn.parent_thread_id',
     source_kind = CASE
       WHEN meta ->> '$.source.custom' IS NOT NULL THEN 'custom:' || (meta ->> '$.source.custom')
       WHEN meta -> '$.source.subagent.thread_spawn' IS NOT NULL THEN 'subAgentThreadSpawn'
       WHEN meta -> '$.source.subagent.other' IS NOT NULL THEN 'subAgentOther'
       WHEN meta ->> '$.source.subagent' = 'review' THEN 'subAgentReview'
       WHEN meta ->> '$.source.subagent' = 'compact' THEN 'subAgentCompact'
       WHEN source_kind IN ('cli', 'vscode', 'exec', 'appServer', 'subAgent') THEN source_kind
       ELSE 'unknown' END;
   CREATE INDEX store_threads_parent ON store_threads (parent_id);`,
  `DROP INDEX store_threads_created;
   DROP INDEX store_threads_updated;
   DROP INDEX store_threads_recency;
   ${["created", "updated", "recency"].map(pageIndexes).join("\n")}
   CREATE INDEX store_threads_fork ON store_threads (meta ->> '$.forked_from_id');`,
  // Other than the indexes of pages it holds every thread: one in which nothing is said yet is written, too.
  `CREATE INDEX store_threads_latest ON store_threads (updated_at, id) WHERE archived = 0;`,
];

/** For lists of all folders and of one; every column but the sorted one is compared for equality. */
function pageIndexes(time: string): string {
  return `CREATE INDEX store_threads_kind_${time}
      ON store_threads (archived, provider, source_kind, ${time}_at, id) WHERE ${isListed};
    CREATE INDEX store_threads_folder_${time}
      ON store_threads (archived, cwd, provider, source_kind, ${time}_at, id) WHERE ${isListed};`;
}

export interface IndexEntry {
  readonly record: ThreadRecord & { readonly path: string };
  /** Of the file when the entry was made: another value means that the entry is out of date. */
  readonly mtimeMs: number;
  readonly size: number;
}

/** A file as it was when its entry was made. */
export interface StampedFile {
  readonly id: string;
  readonly path: string;
  readonly mtimeMs: number;
  readonly size: number;
}

export interface KnownFile {
  readonly id: string;
  readonly mtimeMs: number;
  readonly size: number;
}

const upsert = `INSERT INTO store_threads VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
  ON CONFLICT (id) DO UPDATE SET path = excluded.path, mtime_ms = excluded.mtime_ms, size = excluded.size,
    created_at = excluded.created_at, updated_at = excluded.updated_at, recency_at = excluded.recency_at,
    archived = excluded.archived, cwd = excluded.cwd, provider = excluded.provider,
    source_kind = excluded.source_kind, preview = excluded.preview, name = excluded.name,
    model = excluded.model, effort = excluded.effort, meta = excluded.meta,
    parent_id = excluded.parent_id`;

/** About 1 ms. */
const nextFiles = `SELECT rowid AS place, id, path, mtime_ms, size FROM store_threads
  WHERE rowid > ? ORDER BY rowid LIMIT 500`;

/** Statements of more parts are for one page only. */
const maxKeptParts = 8;

export class ThreadIndex {
  readonly #database: Database;
  readonly #statement: (sql: string) => Statement;
  readonly #kinds: ThreadKinds;

  constructor(database: Database) {
    this.#database = database;
    this.#statement = keptStatements(database);
    this.#kinds = new ThreadKinds(database);
    database.migrate("store", steps);
  }

  put(entries: readonly IndexEntry[]): void {
    const put = this.#statement(upsert);
    this.#database.transaction(() => {
      for (const entry of entries) put.run(...valuesOf(entry));
    });
    for (const { record } of entries) {
      const { archived, modelProvider: provider, source } = record;
      this.#kinds.add(archived, { provider, sourceKind: sourceKindOf(source) });
    }
  }

  /** A known thread's file grew, and nothing else became of the entry: a third of what `put` costs. */
  touch({ record, mtimeMs, size }: IndexEntry): void {
    this.#statement(
      "UPDATE store_threads SET mtime_ms = ?, size = ?, updated_at = ? WHERE id = ?",
    ).run(Math.floor(mtimeMs), size, Math.floor(record.updatedAtMs), record.id);
  }

  find(id: string): IndexEntry | undefined {
    const row = this.#statement(`SELECT ${entryColumns} FROM store_threads WHERE id = ?`).get(id);
    return row && entryOf(row);
  }

  setName(id: string, name: string): void {
    this.#statement("UPDATE store_threads SET name = ? WHERE id = ?").run(name, id);
    this.#kinds.forget();
  }

  setNames(names: ReadonlyMap<string, string>): void {
    this.#database.transaction(() => {
      for (const [id, name] of names) this.setName(id, name);
    });
  }

  /** Forgets a thread, unless it is known at another path by now. */
  remove(id: string, path: string): void {
    this.#statement("DELETE FROM store_threads WHERE id = ? AND path = ?").run(id, path);
  }

  /** The known forks of a thread. */
  forksOf(id: string): IndexEntry[] {
    return this.#statement(
      `SELECT ${entryColumns} FROM store_threads WHERE meta ->> '$.forked_from_id' = ?`,
    )
      .all(id)
      .map(entryOf);
  }

  /** The files of the threads that were written last. */
  latestFiles(count: number): readonly StampedFile[] {
    return this.#statement(
      `SELECT id, path, mtime_ms, size FROM store_threads WHERE archived = 0
       ORDER BY updated_at DESC, id DESC LIMIT ?`,
    )
      .all(count)
      .map(stampedFile);
  }

  filesOf(ids: readonly string[]): readonly StampedFile[] {
    if (ids.length === 0) return [];
    return this.#statement(
      `SELECT id, path, mtime_ms, size FROM store_threads
       WHERE id IN (SELECT value FROM json_each(?))`,
    )
      .all(JSON.stringify(ids))
      .map(stampedFile);
  }

  /** Every known file by its path, read a few at a time. */
  async files(): Promise<Map<string, KnownFile>> {
    const files = new Map<string, KnownFile>();
    for (let after = 0; ;) {
      const rows = this.#statement(nextFiles).all(after);
      for (const row of rows) {
        const file = { mtimeMs: count(row, "mtime_ms"), size: count(row, "size") };
        files.set(text(row, "path"), { id: text(row, "id"), ...file });
        after = count(row, "place");
      }
      if (rows.length === 0) return files;
      await setImmediate();
    }
  }

  /** Throws `StoreError` `badCursor`. */
  page(query: IndexQuery): ThreadPage {
    const statement = pageStatement(query, this.#kinds.of(query.archived), recordColumns);
    if (statement === undefined) return { data: [], nextCursor: null, backwardsCursor: null };
    const { sql, values, parts } = statement;
    const ready = parts > maxKeptParts ? this.#database.prepare(sql) : this.#statement(sql);
    const rows = ready.all(...values);
    const sorted = rows.map((row) => ({
      id: text(row, "id"),
      sortedByMs: count(row, "sorted_by"),
    }));
    return {
      data: rows.slice(0, query.limit).map((row) => recordOfRow(row)),
      ...pageCursors(sorted, query),
    };
  }
}

function valuesOf({ record, mtimeMs, size }: IndexEntry): SqlValue[] {
  return [
    record.id,
    record.path,
    Math.floor(mtimeMs),
    size,
    Math.floor(record.createdAtMs),
    Math.floor(record.updatedAtMs),
    Math.floor(record.recencyAtMs),
    record.archived ? 1 : 0,
    record.cwd,
    record.modelProvider,
    sourceKindOf(record.source),
    record.preview,
    record.name,
    record.model,
    record.effort,
    // The instructions are 20 KB in every thread and no list shows them, nor the tools.
    JSON.stringify(encodeMeta({ ...record, baseInstructions: null, dynamicTools: [] })),
    spawnOf(record.source)?.parentId ?? null,
  ];
}

const known = (row: Row, column: string): string | null => {
  const value = row[column];
  return Buffer.isBuffer(value) ? value.toString("utf8") : textOf(value);
};
const stampedFile = (row: Row): StampedFile => ({
  id: text(row, "id"),
  path: text(row, "path"),
  mtimeMs: count(row, "mtime_ms"),
  size: count(row, "size"),
});

const text = (row: Row, column: string): string => known(row, column) ?? "";
const count = (row: Row, column: string): number => Number(row[column] ?? 0);

/** The driver reads a text up to its first NUL; such a one comes as bytes. */
const whole = (column: string): string =>
  `iif(instr(${column}, char(0)) > 0, CAST(${column} AS BLOB), ${column}) AS ${column}`;

/** What a row of a list is made of. Making JavaScript values of the other columns takes half of this again. */
const recordColumns = `id, path, created_at, updated_at, recency_at, archived, ${whole("preview")},
  ${whole("name")}, model, effort, meta`;
const entryColumns = `${recordColumns}, mtime_ms, size`;

const entryOf = (row: Row): IndexEntry => ({
  mtimeMs: count(row, "mtime_ms"),
  size: count(row, "size"),
  record: recordOfRow(row),
});

function recordOfRow(row: Row): IndexEntry["record"] {
  const meta: ThreadMeta = decodeMeta(recordOf(parseRecord(text(row, "meta"))), 0) ?? {
    ...emptyMeta,
    id: ThreadId.parse(text(row, "id")),
  };
  return {
    updatedAtMs: count(row, "updated_at"),
    recencyAtMs: count(row, "recency_at"),
    preview: text(row, "preview"),
    name: known(row, "name"),
    archived: count(row, "archived") === 1,
    model: textOf(row["model"]),
    effort: textOf(row["effort"]),
    path: text(row, "path"),
    ...meta,
  };
}

const emptyMeta = {
  sessionId: "",
  forkedFromId: null,
  createdAtMs: 0,
  cwd: "",
  originator: "",
  cliVersion: "",
  source: "unknown",
  threadSource: null,
  modelProvider: "",
  baseInstructions: null,
  historyMode: "legacy",
  gitInfo: null,
} as const;
