/** The folder in which a host keeps what is its own. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createPrivateFile, readPrivateFile, sweepParts } from "../crypto/private-file.ts";
import type { FileLock } from "../db/file-lock.ts";
import { holdFile } from "../db/file-lock.ts";
import { makePrivateFolder } from "../util/private-folder.ts";

/** Throws an Error that says what to do. */
export function makeHome(farhelmHome: string): void {
  try {
    makePrivateFolder(farhelmHome);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `FARHELM_HOME=${farhelmHome} cannot be made (${why}); choose a folder that you can write to`,
      { cause: error },
    );
  }
}

/** One host per home: two would give one thread two writers. What a killed one left half written goes. */
export function lockHome(farhelmHome: string): FileLock {
  const lock = holdFile(join(farhelmHome, "host.lock"));
  if (lock) {
    for (const folder of ["", "tls", "audit"]) sweepParts(join(farhelmHome, folder));
    return lock;
  }
  throw new Error(
    `another host is running for FARHELM_HOME=${farhelmHome}: stop it, or give this one a home of its own`,
  );
}

/** A UUID made at the first start and kept. */
export const keepInstallationId = (file: string): string =>
  (readPrivateFile(file) ?? createPrivateFile(file, randomUUID())).trim();
