import { z } from "zod";

/** How a section looks; what the words mean is up to the clients. */
export const SectionAppearance = z.object({
  icon: z.string().nullable(),
  color: z.string().nullable(),
});
export type SectionAppearance = z.infer<typeof SectionAppearance>;

/** A part of the list of threads, made by people. */
export const ThreadSection = z.object({
  id: z.string(),
  name: z.string(),
  appearance: SectionAppearance.nullable(),
});
export type ThreadSection = z.infer<typeof ThreadSection>;

/** Where a thread stands in its section, as it is kept. */
export const SectionPlace = z.object({
  sectionId: z.string(),
  /** Since when, Unix milliseconds. */
  enteredAtMs: z.number(),
  position: z.int(),
});
export type SectionPlace = z.infer<typeof SectionPlace>;
