import { z } from "zod";

/** One part of what a person sends with a turn. */
export const UserInput = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("text"),
    text: z.string(),
    text_elements: z.array(z.unknown()).default([]),
  }),
  z.looseObject({
    type: z.literal("image"),
    url: z.string().optional(),
    fileId: z.string().optional(),
  }),
  z.looseObject({ type: z.literal("localImage"), path: z.string() }),
  z.looseObject({
    type: z.literal("audio"),
    url: z.string().optional(),
    fileId: z.string().optional(),
  }),
  z.looseObject({ type: z.literal("localAudio"), path: z.string() }),
  z.looseObject({ type: z.literal("skill"), name: z.string(), path: z.string() }),
  z.looseObject({ type: z.literal("mention"), name: z.string(), path: z.string() }),
]);
export type UserInput = z.infer<typeof UserInput>;
