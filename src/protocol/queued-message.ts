import { z } from "zod";
import { UserInput } from "./user-input.ts";

/** A message that waits for its thread to be free, as it is kept. */
export const QueuedMessage = z.object({
  id: z.string(),
  input: z.array(UserInput).readonly(),
  /** The sender's own id for it. */
  clientId: z.string(),
  /** Kept for the sender, and not read. */
  clientMetadata: z.record(z.string(), z.string()).readonly().nullable(),
  /** The principal who sent it or changed it last; absent where that is not known. */
  from: z.string().optional(),
});
export type QueuedMessage = z.infer<typeof QueuedMessage>;
