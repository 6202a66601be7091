import { z } from "zod";

/** Whether memories may be made of a thread. */
export const MemoryMode = z.enum(["enabled", "disabled"]);
export type MemoryMode = z.output<typeof MemoryMode>;
