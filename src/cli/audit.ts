import { join } from "node:path";
import { CliError } from "./cli-error.ts";
import { homes } from "./homes.ts";
import type { Setting } from "./program.ts";

export interface VerifyFlags {
  readonly head?: string;
  readonly dir?: string;
  readonly key?: string;
}

export interface ExportFlags {
  readonly format: string;
  readonly dir?: string;
  readonly since?: string;
  readonly until?: string;
}

/** Needs no running host: the files and a public key are enough. */
export async function verifyAudit({ outside }: Setting, flags: VerifyFlags): Promise<void> {
  const { head, key } = flags;
  const report = await outside.verifyAudit({
    dir: folder(outside.env, flags.dir),
    ...(head !== undefined && { head }),
    ...(key !== undefined && { key }),
  });
  outside.stdout.write(`${report}\n`);
}

export async function exportAudit({ outside }: Setting, flags: ExportFlags): Promise<void> {
  const lines = await outside.exportAudit({
    dir: folder(outside.env, flags.dir),
    format: flags.format === "csv" ? "csv" : "jsonl",
    ...(flags.since !== undefined && { sinceMs: timeOf("--since", flags.since) }),
    ...(flags.until !== undefined && { untilMs: timeOf("--until", flags.until) }),
  });
  for (const line of lines) {
    if (!outside.stdout.write(line)) await drained(outside.stdout);
  }
}

const folder = (env: NodeJS.ProcessEnv, dir: string | undefined): string =>
  dir ?? join(homes(env).farhelmHome, "audit");

const drained = (stream: NodeJS.WritableStream): Promise<void> =>
  new Promise((resolve) => {
    stream.once("drain", () => resolve());
  });

function timeOf(flag: string, text: string): number {
  const timeMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new CliError(`${flag} ${text} is no time; write it as 2026-03-31 or 2026-03-31T18:00:00Z.`);
}
