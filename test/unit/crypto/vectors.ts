import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../../shared/vectors/", import.meta.url));

/** A file of the shared vectors beside the project; undefined, and said so, where they are absent. */
export function sharedVectors(name: string): unknown {
  if (existsSync(folder + name)) return JSON.parse(readFileSync(folder + name, "utf8"));
  // oxlint-disable-next-line no-console -- a skipped suite must be seen
  console.warn(`SKIPPED: ../shared/vectors/${name} is not there, its cases were not run`);
  return undefined;
}
