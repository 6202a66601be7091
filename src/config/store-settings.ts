/** `[store]` of farhelm.toml: where threads are kept. */
import { z } from "zod";
import { storeKinds } from "./store-kinds.ts";

export const Store = z.strictObject({ kind: z.enum(storeKinds).default("local") });
