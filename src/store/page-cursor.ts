/**
 * Places in a list, as clients carry them: `TIME|ID` stands after that row, `TIME` alone after every
 * row of that time. A page's backwards cursor is a time just before its first row's, so that turning
 * round shows that row again, and nothing between is missed while the list grows.
 */
import { StoreError } from "./port.ts";

export interface PagePosition {
  /** Unix milliseconds in the column by which the list is sorted. */
  readonly timeMs: number;
  /** Undefined: behind all rows of that time. */
  readonly id: string | undefined;
}

export const encodeCursor = ({ timeMs, id }: PagePosition): string =>
  `${new Date(timeMs).toISOString()}${id === undefined ? "" : `|${id}`}`;

const form =
  /^(?<time>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z)(?:\|(?<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))?$/i;

/** Throws `StoreError` `badCursor`. */
export function decodeCursor(cursor: string): PagePosition {
  const groups = form.exec(cursor)?.groups;
  const timeMs = Date.parse(groups?.["time"] ?? "");
  if (Number.isNaN(timeMs)) throw new StoreError("badCursor", `invalid cursor: ${cursor}`);
  return { timeMs, id: groups?.["id"]?.toLowerCase() };
}

export interface SortedRow {
  readonly id: string;
  readonly sortedByMs: number;
}

/** The cursors of a page. `rows` may hold one more than `limit`, which says that there is more. */
export function pageCursors(
  rows: readonly SortedRow[],
  { limit, sortDirection }: { readonly limit: number; readonly sortDirection: "asc" | "desc" },
): { readonly nextCursor: string | null; readonly backwardsCursor: string | null } {
  const first = rows[0];
  const last = rows[Math.min(rows.length, limit) - 1];
  const before = sortDirection === "asc" ? 1 : -1;
  return {
    nextCursor:
      last === undefined || rows.length <= limit
        ? null
        : encodeCursor({ timeMs: last.sortedByMs, id: last.id }),
    backwardsCursor:
      first === undefined
        ? null
        : encodeCursor({ timeMs: first.sortedByMs + before, id: undefined }),
  };
}
