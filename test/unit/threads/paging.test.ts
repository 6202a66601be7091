import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newestCursor, pageOf } from "../../../src/threads/paging.ts";

const same = (row: string): string => row;
const counts = (row: string): boolean => row.startsWith("b");
const rowsUpTo = (count: number): string[] =>
  Array.from({ length: count }, (_row, index) => `r${index}`);

describe("pages of a list that grows", () => {
  it("oldest first bring every row once, those that came meanwhile too", () => {
    fc.assert(
      fc.property(
        fc.nat(12),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.nat(3), { maxLength: 10 }),
        (start, limit, growth) => {
          const rows = rowsUpTo(start);
          const seen: string[] = [];
          let cursor: string | undefined;
          const later = [...growth];
          for (;;) {
            const page = pageOf(rows, same, { cursor, limit, direction: "asc" });
            seen.push(...page.data);
            if (page.nextCursor === null) break;
            cursor = page.nextCursor;
            rows.push(...rowsUpTo(rows.length + (later.shift() ?? 0)).slice(rows.length));
          }
          expect(seen).toEqual(rows);
        },
      ),
    );
  });

  it("newest first bring what was there at the beginning, whatever is added; turning round brings the rest", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(6),
        (start, limit, added) => {
          const rows = rowsUpTo(start);
          const first = pageOf(rows, same, { cursor: undefined, limit, direction: "desc" });
          rows.push(...rowsUpTo(start + added).slice(start));
          const seen = [...first.data];
          for (let cursor = first.nextCursor; cursor !== null;) {
            const page = pageOf(rows, same, { cursor, limit, direction: "desc" });
            seen.push(...page.data);
            cursor = page.nextCursor;
          }
          expect(seen).toEqual(rowsUpTo(start).toReversed());
          const cursor = first.backwardsCursor ?? undefined;
          const back = pageOf(rows, same, { cursor, limit: 100, direction: "asc" });
          expect(back.data).toEqual(rows.slice(start - 1));
        },
      ),
    );
  });

  it("begin at the newest row with the newest cursor, going backwards", () => {
    const rows = rowsUpTo(3);
    const cursor = newestCursor(rows.at(-1)) ?? undefined;
    rows.push("r3");
    const page = pageOf(rows, same, { cursor, limit: 2, direction: "desc" });
    expect(page.data).toEqual(["r2", "r1"]);
    expect(newestCursor(undefined)).toBeNull();
  });

  it("refuse a cursor of another list", () => {
    const foreign = Buffer.from(">elsewhere").toString("base64url");
    for (const cursor of ["", "x", "…", foreign, "=".repeat(5_000)]) {
      expect(() => pageOf(rowsUpTo(3), same, { cursor, limit: 2, direction: "asc" })).toThrow(
        `invalid cursor: ${cursor}`,
      );
    }
  });

  it("of an empty list have no cursors", () => {
    expect(pageOf([], same, { cursor: undefined, limit: 2, direction: "asc" })).toEqual({
      data: [],
      nextCursor: null,
      backwardsCursor: null,
    });
  });
});

it("shows the rows that count, from a row on that need not", () => {
  const rows = ["a1", "b1", "a2", "b2", "a3"];
  const { nextCursor } = pageOf(rows, same, { cursor: undefined, limit: 1, direction: "asc" });
  const query = { cursor: nextCursor ?? "", direction: "asc", counts } as const;
  const page = pageOf(rows, same, { ...query, limit: 1 });
  expect(page.data).toEqual(["b1"]);
  const rest = pageOf(rows, same, { ...query, cursor: page.nextCursor ?? "", limit: 5 });
  expect([rest.data, rest.nextCursor]).toEqual([["b2"], null]);
});
