/** Which placeholders there are: written down beforehand, so that those of a killed program are taken away by the next one. */
import { randomUUID } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { followed } from "./named-rules.ts";

/** With the number of the process that keeps it. */
const fileName = /^placeholders\.(?<pid>\d+)\.[0-9a-f-]{36}\.json(?:\.part)?$/;

export class PlaceholderJournal {
  readonly #folder: string;
  readonly #file: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#file = join(folder, `placeholders.${process.pid}.${randomUUID()}.json`);
  }

  /** All that there are, by real path. */
  write(paths: readonly string[]): void {
    try {
      if (paths.length === 0) {
        rmSync(this.#file, { force: true });
        return;
      }
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileSync(`${this.#file}.part`, JSON.stringify(paths), { mode: 0o600 });
      renameSync(`${this.#file}.part`, this.#file);
    } catch {
      // the command itself may well succeed; at worst an empty folder stays behind
    }
  }

  /** Removes what is left of programs that have ended; never a folder that holds something. */
  sweep(): void {
    for (const name of namesIn(this.#folder)) {
      const pid = fileName.exec(name)?.groups?.["pid"];
      if (pid === undefined || isAlive(Number(pid))) continue;
      const file = join(this.#folder, name);
      for (const path of pathsIn(file)) removeEmpty(path);
      rmSync(file, { force: true });
    }
  }
}

/** Nobody else has this program's own number: whoever had it before has ended. */
function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // no command was confined yet
    return [];
  }
}

function pathsIn(file: string): readonly string[] {
  try {
    const paths: unknown = JSON.parse(readFileSync(file, "utf8"));
    const all: unknown[] = Array.isArray(paths) ? paths : [];
    return all.filter((path) => typeof path === "string");
  } catch {
    // torn where the program was killed at its writing; then nothing was made
    return [];
  }
}

function removeEmpty(path: string): void {
  try {
    if (followed(path).real === path) rmdirSync(path);
  } catch {
    // it is gone, or holds something: then it is somebody's
  }
}
