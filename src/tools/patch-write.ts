/** Puts a planned patch on disk: every file atomically, and all of them or none as far as the system lets us. */
import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PlannedFile } from "./patch-plan.ts";

const newFileMode = 0o644;

interface Staged {
  readonly file: PlannedFile;
  /** The new text beside its place, not yet in it; null: the file goes. */
  readonly temporary: string | null;
}

/** Throws the system's error; what was done until then is undone. */
export function writePatch(files: readonly PlannedFile[]): void {
  const staged: Staged[] = [];
  const done: Staged[] = [];
  const folders: string[] = [];
  try {
    for (const file of files) staged.push(stage(file, folders));
    for (const entry of staged) {
      commit(entry);
      done.push(entry);
    }
  } catch (error) {
    for (const { temporary } of staged)
      if (temporary !== null) attempt(() => rmSync(temporary, { force: true }));
    for (const { file } of done.toReversed()) attempt(() => restore(file));
    for (const folder of folders.toReversed()) attempt(() => rmSync(folder, { recursive: true }));
    throw error;
  }
}

function stage(file: PlannedFile, folders: string[]): Staged {
  if (file.after === null) return { file, temporary: null };
  const made = mkdirSync(dirname(file.real), { recursive: true });
  if (made !== undefined) folders.push(made);
  return { file, temporary: writeBeside(file.real, Buffer.from(file.after), file.before?.mode) };
}

function commit({ file, temporary }: Staged): void {
  if (temporary === null) rmSync(file.real);
  else renameSync(temporary, file.real);
}

function restore(file: PlannedFile): void {
  if (file.before === null) rmSync(file.real, { force: true });
  else renameSync(writeBeside(file.real, file.before.bytes, file.before.mode), file.real);
}

/** A new file in the same folder, whose name nobody can foresee. */
function writeBeside(path: string, bytes: Buffer, mode: number | undefined): string {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    writeFileSync(temporary, bytes, { flag: "wx", mode: mode ?? newFileMode });
    // the mode of creation is cut down by the umask
    if (mode !== undefined) chmodSync(temporary, mode);
    return temporary;
  } catch (error) {
    attempt(() => rmSync(temporary, { force: true }));
    throw error;
  }
}

/** Cleaning up goes on where one step of it fails: the first error is the one to tell. */
function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // nothing better can be done
  }
}
