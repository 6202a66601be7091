import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isRecord } from "../../src/util/is-record.ts";

export type AuditLine = Readonly<Record<string, unknown>>;

/** The whole audit log of a host's home, in order. */
export const auditLines = (farhelmHome: string): readonly AuditLine[] =>
  readdirSync(join(farhelmHome, "audit"))
    .filter((name) => name.endsWith(".jsonl"))
    .toSorted()
    .flatMap((name) => readFileSync(join(farhelmHome, "audit", name), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line))
    .filter(isRecord);
