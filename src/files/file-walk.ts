/** Finds the files of a folder and all below it, as far as ignore files and the caller's access let it. */
import type { Dir, Dirent } from "node:fs";
import { opendir, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { IgnoreRules } from "./ignore-rules.ts";

/** So many folders are read at a time: the system's calls wait in four threads. */
const maxAtOnce = 8;

/** After so many of one folder everything else has its turn. */
const entriesAtOnce = 256;

export interface WalkOptions {
  /** Whether a folder may be read, by its real path. */
  readonly mayRead: (real: string) => boolean;
  /** `path` is relative to the root. False: there is no room for more. */
  readonly add: (path: string, name: string, isFolder: boolean) => boolean;
  readonly signal: AbortSignal;
}

interface Folder {
  /** Relative to the root. */
  readonly path: string;
  readonly real: string;
  readonly above: Folder | undefined;
  readonly rules: IgnoreRules;
}

/** Resolves when there is nothing more to find, no room, or the signal has come. `root` is a real path. */
export async function walkFiles(root: string, options: WalkOptions): Promise<void> {
  await new Walk(root, options).run();
}

class Walk {
  readonly #root: string;
  readonly #options: WalkOptions;
  readonly #waiting: Folder[] = [];
  #isFull = false;

  constructor(root: string, options: WalkOptions) {
    this.#root = root;
    this.#options = options;
  }

  async run(): Promise<void> {
    const rules = await IgnoreRules.upTo(dirname(this.#root));
    this.#waiting.push({ path: "", real: this.#root, above: undefined, rules });
    const running = new Set<Promise<void>>();
    while (!this.#isOver && (this.#waiting.length > 0 || running.size > 0)) {
      const folder = running.size < maxAtOnce ? this.#waiting.pop() : undefined;
      if (!folder) {
        await Promise.race(running);
        continue;
      }
      const read = this.#read(folder).finally(() => running.delete(read));
      running.add(read);
    }
    await Promise.all(running);
  }

  get #isOver(): boolean {
    return this.#isFull || this.#options.signal.aborted;
  }

  /** What cannot be read holds nothing. */
  async #read(folder: Folder): Promise<void> {
    try {
      const reading = await opendir(folder.real, { bufferSize: entriesAtOnce });
      try {
        await this.#readOn(folder, reading);
      } finally {
        await reading.close();
      }
    } catch {
      // it went meanwhile, or is not the host's to read
    }
  }

  async #readOn(folder: Folder, reading: Dir): Promise<void> {
    let entries = await someOf(reading);
    const isAll = entries.length < entriesAtOnce;
    const names = isAll ? new Set(entries.map(({ name }) => name)) : undefined;
    const rules = await IgnoreRules.read(join(this.#root, folder.path), folder.rules, names);
    const below: Folder[] = [];
    while (entries.length > 0 && !this.#isOver) {
      for (const entry of entries) {
        const child = entry.isSymbolicLink()
          ? await this.#throughLink(folder, rules, entry.name)
          : this.#child(folder, rules, entry.name, entry.isDirectory(), entry.isFile());
        if (child) below.push(child);
        if (this.#isOver) return;
      }
      if (!isAll) await setImmediate();
      entries = isAll ? [] : await someOf(reading);
    }
    // the first of a folder are read first
    for (const each of below.toReversed()) this.#waiting.push(each);
  }

  #child(
    above: Folder,
    rules: IgnoreRules,
    name: string,
    isFolder: boolean,
    isFile: boolean,
    real = above.real === "/" ? `/${name}` : `${above.real}/${name}`,
  ): Folder | undefined {
    if (!isFolder && !isFile) return undefined;
    const path = above.path === "" ? name : `${above.path}/${name}`;
    if (isFolder && !this.#options.mayRead(real)) return undefined;
    const place = this.#root === "/" ? `/${path}` : `${this.#root}/${path}`;
    if (rules.ignores(place, name, isFolder)) return undefined;
    if (!this.#options.add(path, name, isFolder)) this.#isFull = true;
    return isFolder ? { path, real, above, rules } : undefined;
  }

  /** A link to a folder is read unless it leads back to where it came from. */
  async #throughLink(above: Folder, rules: IgnoreRules, name: string): Promise<Folder | undefined> {
    try {
      const real = await realpath(join(above.real, name));
      const stats = await stat(real);
      if (!this.#options.mayRead(real)) return undefined;
      for (let each: Folder | undefined = above; each && stats.isDirectory(); each = each.above) {
        if (each.real === real) return undefined;
      }
      return this.#child(above, rules, name, stats.isDirectory(), stats.isFile(), real);
    } catch {
      // it leads nowhere
      return undefined;
    }
  }
}

async function someOf(reading: Dir): Promise<readonly Dirent[]> {
  const entries: Dirent[] = [];
  while (entries.length < entriesAtOnce) {
    const entry = await reading.read();
    if (!entry) break;
    entries.push(entry);
  }
  return entries;
}
