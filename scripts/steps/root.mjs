import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The clone's top folder. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
