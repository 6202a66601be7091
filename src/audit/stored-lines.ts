/** The lines of a log on disk, one after another, with the place at which each stands. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ReadLine } from "./audit-line.ts";
import { readLine } from "./audit-line.ts";
import { chainFiles } from "./chain-file.ts";

export interface StoredLine {
  readonly file: string;
  /** Within the file, from 1. */
  readonly number: number;
  readonly bytes: Buffer;
  /** Whether a line feed follows. */
  readonly ended: boolean;
  /** Undefined when it is no line of a log. */
  readonly line: ReadLine | undefined;
}

const lineFeed = 10;

/** Holds one file at a time in memory. Throws as `logFiles` does, and the system's errors. */
export function* storedLines(folder: string): Generator<StoredLine> {
  for (const file of logFiles(folder)) {
    const data = readFileSync(join(folder, file));
    for (let from = 0, number = 1; from < data.length; number += 1) {
      const end = data.indexOf(lineFeed, from);
      const bytes = data.subarray(from, end === -1 ? data.length : end);
      yield { file, number, bytes, ended: end !== -1, line: readLine(bytes) };
      from = end === -1 ? data.length : end + 1;
    }
  }
}

/** At least one. Throws a sentence when there is none. */
export function logFiles(folder: string): readonly string[] {
  const files = filesOrNone(folder);
  if (files.length > 0) return files;
  throw new Error(
    `There is no audit log in ${folder}; a host writes one as soon as it runs. Name another folder with --dir.`,
  );
}

function filesOrNone(folder: string): readonly string[] {
  try {
    return chainFiles(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
