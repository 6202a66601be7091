/** What a host wrote into its audit log, read as anyone may read it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const Line = z.looseObject({
  act: z.string(),
  outcome: z.enum(["done", "denied", "failed"]),
  code: z.string().optional(),
  who: z.unknown(),
  address: z.unknown(),
});
export type AuditLine = z.output<typeof Line>;

/** All files of the log, oldest first. */
export function auditText(farhelmHome: string): string {
  const folder = join(farhelmHome, "audit");
  if (!existsSync(folder)) return "";
  return readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .toSorted()
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("");
}

/** All entries, oldest first; lines that are no entries (checkpoints) are left out. */
export const auditLines = (farhelmHome: string): readonly AuditLine[] =>
  auditText(farhelmHome)
    .split("\n")
    .flatMap((text) => {
      const line = Line.safeParse(text === "" ? undefined : JSON.parse(text));
      return line.success ? [line.data] : [];
    });
