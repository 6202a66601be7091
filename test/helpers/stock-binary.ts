/** The stock program, where this machine has it: `$FARHELM_ORACLE` or `~/.cache/farhelm-oracle`. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const folder = process.env["FARHELM_ORACLE"] ?? join(homedir(), ".cache/farhelm-oracle");

/** Its path, or undefined with a line that nobody overlooks. */
export const stockBinary = (version: string): string | undefined =>
  ifThere("program", join(folder, version, "codex"));

/** The folder of the JSON schema that it writes of itself, experimental parts included; or undefined, just as loud. */
export const stockSchema = (version: string): string | undefined =>
  ifThere("schema", join(folder, version, "schema-exp"));

function ifThere(what: string, path: string): string | undefined {
  if (existsSync(path)) return path;
  process.stderr.write(
    `\n!!! SKIPPED: no stock ${what} at ${path}: what passes between it and this one is NOT tested here. Set FARHELM_ORACLE to the folder that has it.\n\n`,
  );
  return undefined;
}
