/**
 * Where a patch lays new texts down before they take their places: written down beforehand, so that
 * what a killed program left lying in somebody's work is taken away at the next start.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ToolLog } from "./tool-log.ts";

const uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const temporaryName = new RegExp(`^\\.${uuid}\\.tmp$`);

/** A path in the same folder, whose name nobody can foresee. */
export const temporaryBeside = (path: string): string =>
  join(dirname(path), `.${randomUUID()}.tmp`);

export class PatchJournal {
  readonly #folder: string | undefined;
  readonly #log: ToolLog;

  /** Keeps one file for each patch under way in `folder`, which no other program uses. Without it nothing is kept. */
  constructor(folder: string | undefined, log: ToolLog) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Before the first of `temporaries` is written; what it returns is for when none is left. */
  begin(temporaries: readonly string[]): () => void {
    if (this.#folder === undefined || temporaries.length === 0) return () => {};
    const file = join(this.#folder, `${randomUUID()}.json`);
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileSync(file, JSON.stringify(temporaries), { mode: 0o600 });
    } catch (error) {
      // the patch itself may well succeed
      this.#log.warn({ err: error }, "a patch is not in the journal");
    }
    return () => {
      try {
        rmSync(file, { force: true });
      } catch {
        // the next start removes it
      }
    };
  }

  /** Removes what patches left that were under way when the program was killed. */
  sweep(): void {
    if (this.#folder === undefined) return;
    for (const name of namesIn(this.#folder)) {
      const file = join(this.#folder, name);
      try {
        for (const path of pathsIn(readFileSync(file, "utf8"))) rmSync(path, { force: true });
        rmSync(file, { force: true });
      } catch (error) {
        this.#log.warn({ err: error }, "what a patch left is not removed");
      }
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // there was no patch yet
    return [];
  }
}

/** Torn where the program was killed at its writing; then nothing was laid down. */
function pathsIn(text: string): readonly string[] {
  try {
    const paths: unknown = JSON.parse(text);
    const all: unknown[] = Array.isArray(paths) ? paths : [];
    return all.filter(
      (path): path is string => typeof path === "string" && temporaryName.test(basename(path)),
    );
  } catch {
    return [];
  }
}
