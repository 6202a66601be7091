import { z } from "zod";

/** Something outside of the host that belongs to a thread, such as a pull request. */
export const ThreadAttachment = z.object({
  id: z.string(),
  attachmentType: z.string(),
  /** One of a type in a thread. */
  identityKey: z.string(),
  /** The clients' own. */
  payload: z.unknown(),
  /** Unix time in seconds. */
  createdAt: z.number(),
});
export type ThreadAttachment = z.infer<typeof ThreadAttachment>;
