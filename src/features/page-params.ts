/** What the paged lists take and answer. */
import { z } from "zod";
import type { Page } from "../threads/port.ts";

const maxPage = 100;
const maxUnsigned = 0xffff_ffff;

/** How many rows a caller wants: an unsigned 32-bit number. */
export const PageLimit = z.int().min(0).max(maxUnsigned).nullish();

export const pageParams = {
  cursor: z.string().nullish(),
  limit: PageLimit,
  sortDirection: z.enum(["asc", "desc"]).nullish(),
};
type PageParams = z.output<z.ZodObject<typeof pageParams>>;

/** A limit of zero acts as one; none as `standard`. */
export const limitOf = (
  limit: number | null | undefined,
  standard: number,
  max: number = maxPage,
): number => Math.min(Math.max(limit ?? standard, 1), max);

export const queryOf = (params: PageParams, standard: number, direction: "asc" | "desc") => ({
  cursor: params.cursor ?? undefined,
  limit: limitOf(params.limit, standard),
  direction: params.sortDirection ?? direction,
});

export const pageResult = {
  nextCursor: z.string().nullable(),
  /** For the same list in the other direction, beginning with this page's first row. */
  backwardsCursor: z.string().nullable(),
};

export const pageAnswer = <T>({ data, nextCursor, backwardsCursor }: Page<T>) => ({
  data: [...data],
  nextCursor,
  backwardsCursor,
});
