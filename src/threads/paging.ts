import { invalidRequest } from "../protocol/errors.ts";
import type { Page, PageQuery } from "./port.ts";

/** Where a page begins: at a row (`inclusive`) or just past it, in the direction that the request names. */
interface Anchor {
  readonly id: string;
  readonly inclusive: boolean;
}

/**
 * One page of rows that are kept oldest first. Cursors name a row, not a number, so they hold while
 * the list grows. `nextCursor` goes on past the last row of the page; `backwardsCursor` begins at
 * its first row, to be used with the other direction. `counts`: which rows are shown; a cursor may name others.
 */
export function pageOf<T>(
  rows: readonly T[],
  idOf: (row: T) => string,
  { cursor, limit, direction, counts }: PageQuery & { readonly counts?: (row: T) => boolean },
  refusal = `invalid cursor: ${cursor}`,
): Page<T> {
  const ordered = direction === "asc" ? rows : rows.toReversed();
  const start = cursor === undefined ? 0 : startAt(ordered, idOf, cursor, refusal);
  const rest = counts
    ? ordered.slice(start).filter(counts)
    : ordered.slice(start, start + limit + 1);
  const data = rest.slice(0, limit);
  const [first] = data;
  const last = data.at(-1);
  const more = limit < rest.length;
  return {
    data,
    nextCursor: more && last !== undefined ? cursorOf({ id: idOf(last), inclusive: false }) : null,
    backwardsCursor: first === undefined ? null : cursorOf({ id: idOf(first), inclusive: true }),
  };
}

/** The cursor at a row itself. */
export const cursorAtRow = (id: string): string => cursorOf({ id, inclusive: true });

/** The cursor at which a list that grows begins: its newest row, going backwards. */
export const newestCursor = (newestId: string | undefined): string | null =>
  newestId === undefined ? null : cursorAtRow(newestId);

/** Just past a row, whichever way the list is read. */
export const cursorAfter = (id: string): string => cursorOf({ id, inclusive: false });

function startAt<T>(
  ordered: readonly T[],
  idOf: (row: T) => string,
  cursor: string,
  refusal: string,
): number {
  const anchor = readCursor(cursor);
  const index = anchor ? ordered.findIndex((row) => idOf(row) === anchor.id) : -1;
  if (!anchor || index < 0) throw invalidRequest(refusal);
  return anchor.inclusive ? index : index + 1;
}

const cursorOf = ({ id, inclusive }: Anchor): string =>
  Buffer.from(`${inclusive ? "=" : ">"}${id}`).toString("base64url");

function readCursor(cursor: string): Anchor | undefined {
  const text = Buffer.from(cursor, "base64url").toString("utf8");
  const id = text.slice(1);
  if (text.startsWith("=")) return { id, inclusive: true };
  return text.startsWith(">") ? { id, inclusive: false } : undefined;
}
