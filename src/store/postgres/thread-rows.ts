/** A thread's row in Postgres, and the pages of the list. */
import { coveredKinds, sourceKindOf, spawnOf } from "../../protocol/session-source.ts";
import { GitInfo } from "../../protocol/thread.ts";
import { decodeCursor, pageCursors } from "../page-cursor.ts";
import { StoreError } from "../port.ts";
import type { ThreadMeta, ThreadPage, ThreadQuery, ThreadRecord } from "../port.ts";
import { parseRecord, recordOf } from "../rollout/members.ts";
import { decodeMeta, encodeMeta } from "../rollout/meta-coding.ts";
import type { PostgresDatabase, Row, SqlValue } from "./database.ts";

export interface ThreadRow {
  /** As lists show it: without instructions and tools. */
  readonly record: ThreadRecord;
  /** Undefined as soon as the thread has a history; before that all that was said at its start. */
  readonly reserved: ThreadMeta | undefined;
  readonly nextOrdinal: number;
  readonly lastBatch: number;
  /** Whether a host has it open; known where the statement asked. */
  readonly isWritten: boolean;
}

export const columns = `id, begun, meta, git, created_at, updated_at, recency_at, archived, preview,
  name, model, effort, next_ordinal, last_batch`;

/** The bytes of a text; a NUL is one of them. */
export const bytesOf = (text: string): Buffer => Buffer.from(text, "utf8");
export const knownBytes = (text: string | null): Buffer | null =>
  text === null ? null : bytesOf(text);

export const gitText = (git: GitInfo | null): string | null => git && JSON.stringify(git);

const textIn = (stored: unknown): string | null =>
  Buffer.isBuffer(stored) ? stored.toString("utf8") : null;

/** What the columns hold that are there from the start, in the order of `newColumns`. */
export const newColumns =
  "id, meta, git, created_at, cwd, provider, source_kind, name, writer, updated_at, recency_at, preview, parent_id";

export function newValues(meta: ThreadMeta, record: ThreadRecord, writer: string): SqlValue[] {
  return [
    meta.id,
    JSON.stringify(encodeMeta(meta)),
    gitText(meta.gitInfo),
    Math.floor(meta.createdAtMs),
    bytesOf(meta.cwd),
    bytesOf(meta.modelProvider),
    bytesOf(sourceKindOf(meta.source)),
    knownBytes(record.name),
    writer,
    Math.floor(record.updatedAtMs),
    Math.floor(record.recencyAtMs),
    bytesOf(record.preview),
    knownBytes(spawnOf(meta.source)?.parentId ?? null),
  ];
}

/** What lists need: the instructions are 20 KB in every thread, and in its first line. */
export const listedMeta = (meta: ThreadMeta): ThreadMeta => ({
  ...meta,
  baseInstructions: null,
  dynamicTools: [],
});

/** Throws `StoreError` `corrupt`. */
export function rowOf(row: Row): ThreadRow {
  const whole = decodeMeta(recordOf(parseRecord(String(row["meta"]))), Number(row["created_at"]));
  if (whole === undefined) {
    throw new StoreError(
      "corrupt",
      `The database's row of thread ${String(row["id"])} cannot be read. Restore it from a backup, or delete the thread.`,
    );
  }
  const git: unknown = typeof row["git"] === "string" ? JSON.parse(row["git"]) : null;
  const meta = { ...whole, gitInfo: GitInfo.nullable().parse(git) };
  const { dynamicTools: _, ...listed } = meta;
  return {
    record: {
      ...listed,
      baseInstructions: null,
      updatedAtMs: Number(row["updated_at"]),
      recencyAtMs: Number(row["recency_at"]),
      preview: textIn(row["preview"]) ?? "",
      name: textIn(row["name"]),
      archived: row["archived"] === true,
      model: textIn(row["model"]),
      effort: textIn(row["effort"]),
      path: null,
    },
    reserved: row["begun"] === true ? undefined : meta,
    nextOrdinal: Number(row["next_ordinal"]),
    lastBatch: Number(row["last_batch"]),
    isWritten: row["is_written"] === true,
  };
}

/** Rejects with `StoreError`, `badCursor` among them. */
export async function pageOf(database: PostgresDatabase, query: ThreadQuery): Promise<ThreadPage> {
  const { from, where, values } = conditions(query);
  const { sortKey, limit } = query;
  const order = query.sortDirection === "asc" ? "ASC" : "DESC";
  const rows = await database.query(
    "list the threads",
    `SELECT ${columns}, ${sortKey} AS sorted_by FROM ${from} WHERE ${where}
     ORDER BY ${sortKey} ${order}, id ${order} LIMIT ${limit + 1}`,
    values,
  );
  const sorted = rows.map((row) => ({
    id: String(row["id"]),
    sortedByMs: Number(row["sorted_by"]),
  }));
  return {
    data: rows.slice(0, limit).map((row) => rowOf(row).record),
    ...pageCursors(sorted, query),
  };
}

interface Conditions {
  readonly from: string;
  readonly where: string;
  readonly values: readonly SqlValue[];
}

function conditions(query: ThreadQuery): Conditions {
  const where = ["begun", "(preview <> '' OR name IS NOT NULL)"];
  const values: SqlValue[] = [];
  const put = (value: SqlValue): string => `$${values.push(value)}`;
  let from = "farhelm.threads";
  const { noted } = query;
  if (noted?.label === null) {
    const kind = put(noted.kind);
    where.push(`NOT EXISTS (SELECT FROM farhelm.notes WHERE thread_id = id AND kind = ${kind})`);
  } else if (noted !== undefined) {
    // With the place that the note gives each of them.
    from = `(SELECT t.*, position AS note_position
      FROM farhelm.note_labels JOIN farhelm.threads t ON id = thread_id
      WHERE kind = ${put(noted.kind)} AND label = ${put(bytesOf(noted.label))}) AS labelled`;
  }
  const among = (column: string, allowed: readonly string[] | undefined): void => {
    if (allowed !== undefined) where.push(`${column} = ANY(${put(allowed.map(bytesOf))}::bytea[])`);
  };
  where.push(`archived = ${put(query.archived)}`);
  among("cwd", query.cwds);
  among("provider", query.modelProviders);
  among("source_kind", query.sources && coveredKinds(query.sources));
  where.push(...related(query, put));
  if (query.searchTerm !== undefined) {
    // Bytes, so that neither case nor the database's collation counts.
    const term = `${put(bytesOf(query.searchTerm))}::bytea`;
    where.push(`(position(${term} IN preview) > 0 OR position(${term} IN name) > 0)`);
  }
  if (query.cursor !== undefined) {
    const { timeMs, id } = decodeCursor(query.cursor);
    const side = query.sortDirection === "asc" ? ">" : "<";
    const time = `${put(timeMs)}::bigint`;
    where.push(
      id === undefined
        ? `${query.sortKey} ${side} ${time}`
        : `(${query.sortKey}, id) ${side} (${time}, ${put(id)}::text)`,
    );
  }
  return { from, where: where.join(" AND "), values };
}

function related(query: ThreadQuery, put: (value: SqlValue) => string): readonly string[] {
  const { excludedIds, parentId, ancestorId } = query;
  const where: string[] = [];
  if (excludedIds?.length) where.push(`id <> ALL(${put([...excludedIds])}::text[])`);
  if (parentId !== undefined) where.push(`parent_id = ${put(bytesOf(parentId))}`);
  if (ancestorId !== undefined) {
    where.push(`id IN (WITH RECURSIVE below (id) AS (
        SELECT id FROM farhelm.threads WHERE parent_id = ${put(bytesOf(ancestorId))}
        UNION SELECT child.id FROM farhelm.threads child
          JOIN below ON child.parent_id = convert_to(below.id, 'UTF8')
      ) SELECT id FROM below)`);
  }
  return where;
}
