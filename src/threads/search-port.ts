/** What may be asked about what was said; a part of the threads' port. */
import type { ItemId, ThreadId, TurnId } from "../protocol/ids.ts";
import type { Thread } from "../protocol/thread.ts";
import type { Page, PageQuery } from "./port.ts";

export interface SearchQuery extends PageQuery {
  /** Not empty. Case does not count. */
  readonly term: string;
  readonly archived: boolean;
  readonly sourceKinds: readonly string[] | undefined;
  readonly sortKey: "created_at" | "updated_at" | "recency_at";
}

export interface FoundThreadView {
  readonly thread: Thread;
  /** The first message in which it stands, around it. */
  readonly snippet: string;
}

/** One place in one message. */
export interface FoundPlace {
  readonly turnId: TurnId;
  readonly itemId: ItemId;
  readonly snippet: string;
  /** Of the place in the snippet, in UTF-16 code units. */
  readonly snippetMatchRange: { readonly start: number; readonly end: number };
  /** For `turns`, at this turn. */
  readonly turnCursor: string;
}

/** What people and the agent said, found again. */
export interface ThreadSearch {
  threads(query: SearchQuery): Promise<Page<FoundThreadView>>;
  /** Every place in a thread, oldest first. */
  occurrences(
    id: ThreadId,
    query: {
      readonly term: string;
      readonly cursor: string | undefined;
      readonly limit: number;
    },
  ): Promise<{ readonly data: readonly FoundPlace[]; readonly nextCursor: string | null }>;
}
