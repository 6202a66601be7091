/**
 * Places in a list, as clients carry them: `TIME|ID` stands after that row, `TIME|ID|=` at it.
 * A page's backwards cursor stands at its first row, so that turning round shows that row again and
 * nothing between is missed while the list grows.
 */
import { StoreError } from "./port.ts";

export interface PagePosition {
  /** Unix milliseconds in the column by which the list is sorted. */
  readonly timeMs: number;
  readonly id: string;
  /** Whether the row itself belongs to the page that follows. */
  readonly inclusive: boolean;
}

export const encodeCursor = ({ timeMs, id, inclusive }: PagePosition): string =>
  `${new Date(timeMs).toISOString()}|${id}${inclusive ? "|=" : ""}`;

const form =
  /^(?<time>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z)\|(?<id>[0-9A-Za-z-]+)(?<inclusive>\|=)?$/;

/** Throws `StoreError` `badCursor`. */
export function decodeCursor(cursor: string): PagePosition {
  const groups = form.exec(cursor)?.groups;
  const timeMs = Date.parse(groups?.["time"] ?? "");
  const id = groups?.["id"];
  if (id === undefined || Number.isNaN(timeMs)) {
    throw new StoreError("badCursor", `invalid cursor: ${cursor}`);
  }
  return { timeMs, id, inclusive: groups?.["inclusive"] !== undefined };
}

export interface SortedRow {
  readonly id: string;
  readonly sortedByMs: number;
}

/** The cursors of a page. `rows` may hold one more than `limit`, which says that there is more. */
export function pageCursors(
  rows: readonly SortedRow[],
  limit: number,
): { readonly nextCursor: string | null; readonly backwardsCursor: string | null } {
  const first = rows[0];
  const last = rows[Math.min(rows.length, limit) - 1];
  return {
    nextCursor:
      last === undefined || rows.length <= limit
        ? null
        : encodeCursor({ timeMs: last.sortedByMs, id: last.id, inclusive: false }),
    backwardsCursor:
      first === undefined
        ? null
        : encodeCursor({ timeMs: first.sortedByMs, id: first.id, inclusive: true }),
  };
}
