/**
 * The SQL of one page of threads. Every page costs about as much as its own rows, however many threads
 * there are: what the query leaves open is made of the few values that the index holds, so that each
 * part names all that stands before the sorted column in an index, and the parts are merged.
 */
import type { SqlValue } from "../../db/database.ts";
import { coveredKinds } from "../../protocol/session-source.ts";
import { decodeCursor } from "../page-cursor.ts";
import type { ThreadQuery } from "../port.ts";

export interface IndexQuery extends ThreadQuery {
  /** Of these threads alone. */
  readonly ids?: readonly string[];
}

/** A provider and a source that threads of the index have together. */
export interface ThreadKind {
  readonly provider: string;
  readonly sourceKind: string;
}

export interface PageStatement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  /** Of how many selects it is made. */
  readonly parts: number;
}

/** SQLite joins up to 500 selects; past this many the rows of all folders that are asked for are sorted instead. */
const maxParts = 100;

/** Rows that lists show; the indexes hold no others. */
export const isListed = "(preview <> '' OR name IS NOT NULL)";

/** Undefined: no thread can be in it. Throws `StoreError` `badCursor`. */
export function pageStatement(
  query: IndexQuery,
  kinds: readonly ThreadKind[],
  columns: string,
): PageStatement | undefined {
  const rest = restOf(query);
  const parts = partsOf(query, kinds);
  if (parts.length === 0) return undefined;
  const order = query.sortDirection === "asc" ? "ASC" : "DESC";
  const selects = parts.map(
    ({ from, clauses }) =>
      `SELECT ${columns}, ${query.sortKey} AS sorted_by FROM ${from.sql}
       WHERE ${[...clauses, ...rest].map(([clause]) => clause).join(" AND ")}`,
  );
  return {
    sql: `${selects.join(" UNION ALL ")} ORDER BY sorted_by ${order}, id ${order} LIMIT ?`,
    values: [
      ...parts.flatMap(({ from, clauses }) => [
        ...from.values,
        ...[...clauses, ...rest].flatMap(([, ...values]) => values),
      ]),
      query.limit + 1,
    ],
    parts: parts.length,
  };
}

interface Part {
  readonly from: { readonly sql: string; readonly values: readonly SqlValue[] };
  readonly clauses: readonly Clause[];
}

/** A clause and its values. */
type Clause = readonly [string, ...SqlValue[]];

function partsOf(query: IndexQuery, kinds: readonly ThreadKind[]): readonly Part[] {
  const archived: Clause = ["archived = ?", query.archived ? 1 : 0];
  const few = fewRows(query);
  if (few !== undefined) return [{ from: few, clauses: [archived, ...amongAll(query)] }];
  const all = { sql: "store_threads", values: [] };
  const wanted = kindsOf(query, kinds);
  const folders = query.cwds && [...new Set(query.cwds)];
  if (wanted.length * (folders?.length ?? 1) > maxParts)
    return [{ from: all, clauses: [archived, ...amongAll(query)] }];
  const places: readonly (readonly Clause[])[] = folders?.map((cwd) => [["cwd = ?", cwd]]) ?? [[]];
  return places.flatMap((place) =>
    wanted.map(({ provider, sourceKind }) => ({
      from: all,
      clauses: [archived, ...place, ["provider = ?", provider], ["source_kind = ?", sourceKind]],
    })),
  );
}

function kindsOf(
  { modelProviders, sources }: ThreadQuery,
  kinds: readonly ThreadKind[],
): readonly ThreadKind[] {
  const covered = sources && coveredKinds(sources);
  return kinds.filter(
    ({ provider, sourceKind }) =>
      modelProviders?.includes(provider) !== false && covered?.includes(sourceKind) !== false,
  );
}

/** Where the query names something that few threads have to do with: those. */
function fewRows({ ids, noted, parentId, ancestorId }: IndexQuery): Part["from"] | undefined {
  if (ids !== undefined) return { sql: named, values: [JSON.stringify(ids)] };
  if (noted !== undefined && noted.label !== null)
    return { sql: labelled, values: [noted.kind, noted.label] };
  if (parentId !== undefined) return { sql: children, values: [parentId] };
  return ancestorId === undefined ? undefined : { sql: descendants, values: [ancestorId] };
}

const named =
  "(SELECT threads.* FROM json_each(?) CROSS JOIN store_threads AS threads ON threads.id = value)";

/** Threads with the place that a note gives each of them. */
const labelled = `(SELECT threads.*, position AS note_position
  FROM store_note_labels AS labels CROSS JOIN store_threads AS threads ON id = thread_id
  WHERE kind = ? AND label = ?)`;

const children =
  "(SELECT * FROM store_threads INDEXED BY store_threads_parent WHERE parent_id = ?)";

const descendants = `(WITH RECURSIVE below (id) AS (
    SELECT id FROM store_threads WHERE parent_id = ?
    UNION SELECT child.id FROM below CROSS JOIN store_threads AS child ON child.parent_id = below.id
  ) SELECT threads.* FROM below CROSS JOIN store_threads AS threads ON threads.id = below.id)`;

const amongAll = ({ cwds, modelProviders, sources }: ThreadQuery): readonly Clause[] => [
  ...among("cwd", cwds),
  ...among("provider", modelProviders),
  ...among("source_kind", sources && coveredKinds(sources)),
];

const among = (column: string, allowed: readonly string[] | undefined): readonly Clause[] =>
  allowed === undefined
    ? []
    : [[`${column} IN (SELECT value FROM json_each(?))`, JSON.stringify(allowed)]];

/** What every part asks for. */
const restOf = (query: ThreadQuery): readonly Clause[] => [
  [isListed],
  ...(query.noted?.label === null ? [withoutNote(query.noted.kind)] : []),
  ...(query.excludedIds?.length ? [outside(query.excludedIds)] : []),
  ...containing(query.searchTerm),
  ...beyond(query),
];

const withoutNote = (kind: string): Clause => [
  "NOT EXISTS (SELECT 1 FROM store_notes WHERE thread_id = id AND kind = ?)",
  kind,
];

const outside = (ids: readonly string[]): Clause => [
  "id NOT IN (SELECT value FROM json_each(?))",
  JSON.stringify(ids),
];

const containing = (term: string | undefined): readonly Clause[] =>
  term === undefined
    ? []
    : [["(instr(preview, ?) > 0 OR instr(coalesce(name, ''), ?) > 0)", term, term]];

function beyond({ cursor, sortKey, sortDirection }: ThreadQuery): readonly Clause[] {
  if (cursor === undefined) return [];
  const { timeMs, id } = decodeCursor(cursor);
  const side = sortDirection === "asc" ? ">" : "<";
  return id === undefined
    ? [[`${sortKey} ${side} ?`, timeMs]]
    : [[`(${sortKey}, id) ${side} (?, ?)`, timeMs, id]];
}
