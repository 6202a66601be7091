/** What a host wrote into its audit log, read as anyone may read it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { z } from "zod";

const Line = z.looseObject({
  act: z.string(),
  outcome: z.enum(["done", "denied", "failed"]),
  code: z.string().optional(),
  who: z.unknown(),
  address: z.unknown(),
});
type AuditLine = z.output<typeof Line>;

/** The members that a line must have; `outcome` is `denied` where nothing else is said. */
export type ExpectedLine = Partial<Pick<AuditLine, "outcome" | "code" | "who" | "address">> &
  Pick<AuditLine, "act">;

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

/**
 * Waits until each of `expected` stands behind the first `before` entries, and names them. Rejects with what stands
 * there instead when one does not come within `waitMs`.
 */
export async function linesSeen(
  farhelmHome: string,
  before: number,
  expected: readonly ExpectedLine[],
  waitMs: number,
): Promise<readonly string[]> {
  for (const line of expected) {
    await expect
      .poll(() => auditLines(farhelmHome).slice(before), { timeout: waitMs })
      .toContainEqual(expect.objectContaining({ outcome: "denied", ...line }));
  }
  return expected.map(({ act, code }) => [act, code].filter(Boolean).join(" "));
}
