/**
 * The suite has a HOME of its own: what the start-up files of this machine's shells do (and how long they take)
 * is no part of what is tested. The stock program and npm's cache stay where they are.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

let home: string | undefined;

export function setup(): void {
  const { env } = process;
  env["FARHELM_ORACLE"] ??= join(homedir(), ".cache/farhelm-oracle");
  env["npm_config_cache"] ??= join(homedir(), ".npm");
  home = mkdtempSync(join(tmpdir(), "farhelm-home-"));
  env["HOME"] = home;
}

export function teardown(): void {
  if (home !== undefined) rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
