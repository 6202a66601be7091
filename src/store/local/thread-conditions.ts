/** Which rows of the index a query wants, in SQL. */
import type { SqlValue } from "../../db/database.ts";
import { coveredKinds } from "../../protocol/session-source.ts";
import { decodeCursor } from "../page-cursor.ts";
import type { ThreadQuery } from "../port.ts";

/** Threads with the place that a note gives each of them. */
const labelled = `(SELECT threads.*, position AS note_position
  FROM store_note_labels AS labels JOIN store_threads AS threads ON id = thread_id
  WHERE kind = ? AND label = ?)`;

const descendants = `WITH RECURSIVE below (id) AS (
    SELECT id FROM store_threads WHERE parent_id = ?
    UNION SELECT child.id FROM store_threads child JOIN below ON child.parent_id = below.id
  ) SELECT id FROM below`;

export interface Conditions {
  readonly from: string;
  readonly where: string;
  readonly values: readonly SqlValue[];
}

/** Throws `StoreError` `badCursor`. */
export function conditions(query: ThreadQuery): Conditions {
  const { noted } = query;
  const isLabelled = noted !== undefined && noted.label !== null;
  const clauses: readonly Clause[] = [
    ["archived = ?", query.archived ? 1 : 0],
    ["(preview <> '' OR name IS NOT NULL)"],
    ...(noted !== undefined && !isLabelled ? [withoutNote(noted.kind)] : []),
    ...among("cwd", query.cwds),
    ...among("provider", query.modelProviders),
    ...among("source_kind", query.sources && coveredKinds(query.sources)),
    ...(query.excludedIds?.length ? [outside(query.excludedIds)] : []),
    ...related(query),
    ...beyond(query),
  ];
  return {
    from: isLabelled ? labelled : "store_threads",
    where: clauses.map(([clause]) => clause).join(" AND "),
    values: [
      ...(isLabelled ? [noted.kind, noted.label ?? ""] : []),
      ...clauses.flatMap(([, ...values]) => values),
    ],
  };
}

/** A clause and its values. */
type Clause = readonly [string, ...SqlValue[]];

const withoutNote = (kind: string): Clause => [
  "NOT EXISTS (SELECT 1 FROM store_notes WHERE thread_id = id AND kind = ?)",
  kind,
];

const outside = (ids: readonly string[]): Clause => [
  "id NOT IN (SELECT value FROM json_each(?))",
  JSON.stringify(ids),
];

const among = (column: string, allowed: readonly string[] | undefined): readonly Clause[] =>
  allowed === undefined
    ? []
    : [[`${column} IN (SELECT value FROM json_each(?))`, JSON.stringify(allowed)]];

function related({ parentId, ancestorId, searchTerm: term }: ThreadQuery): readonly Clause[] {
  return [
    ...(parentId === undefined ? [] : [["parent_id = ?", parentId] as const]),
    ...(ancestorId === undefined ? [] : [[`id IN (${descendants})`, ancestorId] as const]),
    ...(term === undefined
      ? []
      : [["(instr(preview, ?) > 0 OR instr(coalesce(name, ''), ?) > 0)", term, term] as const]),
  ];
}

function beyond({ cursor, sortKey, sortDirection }: ThreadQuery): readonly Clause[] {
  if (cursor === undefined) return [];
  const { timeMs, id } = decodeCursor(cursor);
  const side = sortDirection === "asc" ? ">" : "<";
  return id === undefined
    ? [[`${sortKey} ${side} ?`, timeMs]]
    : [[`(${sortKey}, id) ${side} (?, ?)`, timeMs, id]];
}
