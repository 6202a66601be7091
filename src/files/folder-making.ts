/** Making folders, one level at a time, each in one that is open and was checked. */
import { mkdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { FileGuard } from "./file-guard.ts";
import { childStats, type OpenedFolder, plainPath, withChildFolder, withFolder } from "./opened.ts";
import type { FileAccess } from "./port.ts";
import { isCode, systemError } from "./system-error.ts";

export class FolderMaking {
  readonly #guard: FileGuard;
  readonly #access: FileAccess;
  readonly #path: string;

  constructor(guard: FileGuard, access: FileAccess, path: string) {
    this.#guard = guard;
    this.#access = access;
    this.#path = path;
  }

  /** Its real path, once it is made. */
  async whereItWouldBe(): Promise<string> {
    const { there, missing } = await this.#split();
    return join(there, ...missing);
  }

  /** Fails where it exists, or the folder that it would be in does not. */
  async one(): Promise<void> {
    const path = plainPath(this.#path);
    if (basename(path) === "") throw systemError("EEXIST");
    await this.#in(dirname(path), (folder) => this.#make(folder, basename(path)));
  }

  /** With all that is missing above it. Does the work in it while it is open. */
  async ensured(work: (folder: OpenedFolder) => Promise<void>): Promise<void> {
    const { there, missing } = await this.#split();
    if (missing.length === 0 && !(await stat(there)).isDirectory()) throw systemError("EEXIST");
    await this.#in(there, (folder) => this.#below(folder, missing, work));
  }

  async #in(folder: string, work: (folder: OpenedFolder) => Promise<void>): Promise<void> {
    await withFolder(this.#guard, this.#access, this.#path, folder, work);
  }

  async #below(
    folder: OpenedFolder,
    [name, ...rest]: readonly string[],
    work: (folder: OpenedFolder) => Promise<void>,
  ): Promise<void> {
    if (name === undefined) return work(folder);
    try {
      await this.#make(folder, name);
    } catch (error) {
      // somebody else made it meanwhile; anything but a folder is in the way
      const there = isCode(error, "EEXIST") ? await childStats(folder, name) : undefined;
      if (!there?.isDirectory()) throw error;
    }
    await withChildFolder(folder, name, async (made) => {
      await this.#guard.checkBelow(this.#path, made);
      await this.#below(made, rest, work);
    });
  }

  async #make(folder: OpenedFolder, name: string): Promise<void> {
    const real = join(folder.real, name);
    const there = await childStats(folder, name);
    await this.#guard.checkChange(this.#access, this.#path, real, there);
    await mkdir(folder.child(name));
  }

  /** The deepest folder that is there, and the names that are missing below it. */
  async #split(): Promise<{ readonly there: string; readonly missing: readonly string[] }> {
    const missing: string[] = [];
    for (let path = plainPath(this.#path); ; path = dirname(path)) {
      try {
        return { there: await realpath(path), missing };
      } catch (error) {
        if (!isCode(error, "ENOENT") || path === dirname(path)) throw error;
        missing.unshift(basename(path));
      }
    }
  }
}
