import { z } from "zod";
import { TurnId } from "./ids.ts";
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
  /** The turn that was to begin with it when it was written last: once that is stored it waits no more. */
  turnId: TurnId.optional(),
});
export type QueuedMessage = z.infer<typeof QueuedMessage>;
