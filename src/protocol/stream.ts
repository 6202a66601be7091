/** Where a client is in the events of a thread, and how it comes back to them. */
import { z } from "zod";
import type { ThreadId } from "./ids.ts";
import { RequestId } from "./ids.ts";

/** So many server requests a client may name as open. */
const maxRequestIds = 1_000;

/** The last event of a thread that a client has, and the server requests that it still shows as open. */
export const Since = z.looseObject({
  epoch: z.string().max(64),
  seq: z.int().nonnegative(),
  requestIds: z.array(RequestId).max(maxRequestIds).nullish(),
});
export type Since = z.infer<typeof Since>;

/** Why the missing events cannot be given. PROTOCOL.md says what each means. */
export const GapReason = z.enum([
  "restarted",
  "unknownEpoch",
  "retention",
  "ahead",
  "tooMuch",
  "notLoaded",
]);
export type GapReason = z.infer<typeof GapReason>;

/** Where an answer leaves its caller in the events of a thread. */
export const ThreadStream = z.object({
  epoch: z.string(),
  /** The last event that the answer, together with what `replayed` counts, accounts for. */
  seq: z.int(),
  outcome: z.enum(["snapshot", "replayed", "gap"]),
  /** How many events come right after the answer; with `replayed` alone. */
  replayed: z.int().optional(),
  /** With `gap` alone. */
  reason: GapReason.optional(),
});
export type ThreadStream = z.infer<typeof ThreadStream>;

/** One of the threads that a client comes back to as it connects. */
export interface ThreadPlace {
  readonly threadId: ThreadId;
  readonly since: Since;
}
