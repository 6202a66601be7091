/** Puts a planned patch on disk: every file atomically, and all of them or none as far as the system lets us. */
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { temporaryBeside } from "./patch-journal.ts";
import type { PatchJournal } from "./patch-journal.ts";
import type { PlannedFile } from "./patch-plan.ts";

const newFileMode = 0o644;

interface Staged {
  readonly file: PlannedFile;
  /** The new text beside its place, not yet in it; null: the file goes. */
  readonly temporary: string | null;
}

/** Throws the system's error; what was done until then is undone. */
export function writePatch(files: readonly PlannedFile[], journal: PatchJournal): void {
  const planned = files.map(withTemporary);
  const ended = journal.begin(planned.flatMap(({ temporary }) => temporary ?? []));
  try {
    stageAndCommit(planned);
  } finally {
    ended();
  }
}

const withTemporary = (file: PlannedFile): Staged => ({
  file,
  temporary: file.after === null ? null : temporaryBeside(file.real),
});

function stageAndCommit(planned: readonly Staged[]): void {
  const done: Staged[] = [];
  const folders: string[] = [];
  try {
    for (const entry of planned) stage(entry, folders);
    for (const entry of planned) {
      commit(entry);
      done.push(entry);
    }
  } catch (error) {
    for (const { temporary } of planned)
      if (temporary !== null) attempt(() => rmSync(temporary, { force: true }));
    for (const { file } of done.toReversed()) attempt(() => restore(file));
    for (const folder of folders.toReversed()) attempt(() => rmSync(folder, { recursive: true }));
    throw error;
  }
}

function stage({ file, temporary }: Staged, folders: string[]): void {
  if (file.after === null || temporary === null) return;
  const made = mkdirSync(dirname(file.real), { recursive: true });
  if (made !== undefined) folders.push(made);
  writeNew(temporary, Buffer.from(file.after), file.before?.mode);
}

function commit({ file, temporary }: Staged): void {
  if (temporary === null) rmSync(file.real);
  else renameSync(temporary, file.real);
}

function restore(file: PlannedFile): void {
  if (file.before === null) {
    rmSync(file.real, { force: true });
    return;
  }
  const temporary = temporaryBeside(file.real);
  writeNew(temporary, file.before.bytes, file.before.mode);
  renameSync(temporary, file.real);
}

function writeNew(path: string, bytes: Buffer, mode: number | undefined): void {
  try {
    writeFileSync(path, bytes, { flag: "wx", mode: mode ?? newFileMode });
    // the mode of creation is cut down by the umask
    if (mode !== undefined) chmodSync(path, mode);
  } catch (error) {
    attempt(() => rmSync(path, { force: true }));
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
