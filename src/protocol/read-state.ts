import { z } from "zod";
import { TurnId } from "./ids.ts";

/** Where a person goes on reading a thread. */
export const ReadState = z.object({
  /** Null: all is read. */
  firstUnread: z
    .discriminatedUnion("type", [
      z.object({ type: z.literal("threadStart") }),
      z.object({ type: z.literal("turn"), turnId: TurnId }),
    ])
    .nullable(),
  /** Another one after every change: who names an old one has not seen what is there now. */
  revision: z.string(),
});
export type ReadState = z.infer<typeof ReadState>;

/** Whether a thread is there for a person to read, and not for a program that began it. */
export const hasReader = ({ threadSource }: { readonly threadSource: string | null }): boolean =>
  threadSource === null || threadSource === "user";
