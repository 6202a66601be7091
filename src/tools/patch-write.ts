/** Puts a planned patch on disk: every file atomically, and all of them or none as far as the system lets us. */
import {
  closeSync,
  fchmodSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { HeldFolder } from "./judged-file.ts";
import { temporaryBeside } from "./patch-journal.ts";
import type { PatchJournal } from "./patch-journal.ts";
import type { PlannedFile } from "./patch-plan.ts";

const newFileMode = 0o644;

interface Planned {
  readonly file: PlannedFile;
  /** Where its new text is laid down, beside its place; null: the file goes. */
  readonly temporary: string | null;
}

/** The same, by ways through the open folder. */
interface Staged {
  readonly file: PlannedFile;
  readonly folder: HeldFolder;
  readonly place: string;
  readonly temporary: string | null;
}

/** Throws an error with the system's words; what was done until then is undone. */
export function writePatch(files: readonly PlannedFile[], journal: PatchJournal): void {
  const planned = files.map(withTemporary);
  const ended = journal.begin(planned.flatMap(({ temporary }) => temporary ?? []));
  const folders = new PatchFolders();
  try {
    stageAndCommit(planned, folders);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Error(folders.named(words), { cause: error });
  } finally {
    folders.close();
    ended();
  }
}

const withTemporary = (file: PlannedFile): Planned => ({
  file,
  temporary: file.after === null ? null : temporaryBeside(file.real),
});

function stageAndCommit(planned: readonly Planned[], folders: PatchFolders): void {
  const staged: Staged[] = [];
  const done: Staged[] = [];
  try {
    for (const entry of planned) staged.push(stage(entry, folders));
    for (const entry of staged) {
      commit(entry);
      done.push(entry);
    }
  } catch (error) {
    for (const { temporary } of staged)
      if (temporary !== null) attempt(() => rmSync(temporary, { force: true }));
    for (const entry of done.toReversed()) attempt(() => restore(entry));
    folders.removeMade();
    throw error;
  }
}

function stage({ file, temporary }: Planned, folders: PatchFolders): Staged {
  const folder = folders.at(dirname(file.real));
  const place = folder.child(basename(file.real));
  if (file.after === null || temporary === null) return { file, folder, place, temporary: null };
  const laid = folder.child(basename(temporary));
  writeNew(laid, Buffer.from(file.after), file.before?.mode);
  return { file, folder, place, temporary: laid };
}

function commit({ place, temporary }: Staged): void {
  if (temporary === null) unlinkSync(place);
  else renameSync(temporary, place);
}

function restore({ file, folder, place }: Staged): void {
  if (file.before === null) {
    rmSync(place, { force: true });
    return;
  }
  const temporary = folder.child(basename(temporaryBeside(file.real)));
  writeNew(temporary, file.before.bytes, file.before.mode);
  renameSync(temporary, place);
}

function writeNew(path: string, bytes: Buffer, mode: number | undefined): void {
  const fd = openSync(path, "wx", mode ?? newFileMode);
  try {
    writeFileSync(fd, bytes);
    // the mode of creation is cut down by the umask
    if (mode !== undefined) fchmodSync(fd, mode);
  } catch (error) {
    attempt(() => rmSync(path, { force: true }));
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** The folders of a patch's files, each held open until the patch has ended. */
class PatchFolders {
  readonly #held = new Map<string, HeldFolder>();
  readonly #made: string[] = [];

  /** By its real path; it is made where it is missing. */
  at(real: string): HeldFolder {
    const known = this.#held.get(real);
    if (known) return known;
    const folder = this.#open(real);
    this.#held.set(real, folder);
    return folder;
  }

  #open(real: string): HeldFolder {
    try {
      return new HeldFolder(real, real);
    } catch (error) {
      const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
      if (!isMissing || dirname(real) === real) throw error;
    }
    const way = this.at(dirname(real)).child(basename(real));
    mkdirSync(way);
    this.#made.push(way);
    return new HeldFolder(real, way);
  }

  /** Those that hold something by now stay. */
  removeMade(): void {
    for (const way of this.#made.toReversed()) attempt(() => rmdirSync(way));
  }

  named(words: string): string {
    return [...this.#held.values()].reduce((text, folder) => folder.named(text), words);
  }

  close(): void {
    for (const folder of this.#held.values()) folder.close();
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
