/** The files that a profile's patterns deny, and other names of files that are kept away. */
import { type Dirent, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import picomatch from "picomatch";
import type { PathRules } from "../../permissions/path-access.ts";
import { followed, kindAt } from "./named-rules.ts";
import { SandboxError } from "./port.ts";

/** A project with all that it depends on has half as many. */
const maxEntries = 200_000;
/** Each is a mount of its own. */
const maxDenied = 500;
/** Folders that are read at the same time. */
const width = 16;

/** What is looked at may not be more than a bound, for all patterns together. */
class Budget {
  #left = maxEntries;

  spend(entries: number): void {
    this.#left -= entries;
    if (this.#left < 0) throw tooMuchToScan;
  }
}

const tooMuchToScan = new SandboxError(
  `the permissions deny files by a pattern, and there are more than ${maxEntries} entries to look through: begin the pattern with a narrower folder, or set glob_scan_max_depth`,
);

/** Real paths of what the patterns match now, and of what links that match lead to. Rejects with `SandboxError`. */
export async function deniedFiles({
  deniedGlobs,
  globScanMaxDepth = Infinity,
}: PathRules): Promise<readonly string[]> {
  const budget = new Budget();
  const found = new Set<string>();
  for (const glob of deniedGlobs) {
    const scan = picomatch.scan(glob);
    const named = scan.glob === "" ? glob : scan.base || "/";
    const matches = picomatch(glob, { dot: true });
    const base = followed(named).real;
    const isMatch = (path: string): boolean => matches(join(named, relative(base, path)));
    await search({ base, isMatch, depth: globScanMaxDepth, budget, found });
  }
  return [...found];
}

interface Search {
  readonly base: string;
  readonly isMatch: (path: string) => boolean;
  readonly depth: number;
  readonly budget: Budget;
  readonly found: Set<string>;
}

async function search({ base, isMatch, depth, budget, found }: Search): Promise<void> {
  const kind = kindAt(base);
  if (kind !== undefined && isMatch(base)) add(base, found);
  if (kind !== "folder" || found.has(base)) return;
  let level: readonly string[] = [base];
  for (let at = 0; at < depth && level.length > 0; at += 1) {
    const below: string[] = [];
    for (let from = 0; from < level.length; from += width) {
      const read = await Promise.all(
        level
          .slice(from, from + width)
          .map(async (folder) => ({ folder, entries: await entriesOf(folder) })),
      );
      for (const { folder, entries } of read) {
        budget.spend(entries.length);
        for (const entry of entries) {
          const path = join(folder, entry.name);
          if (isMatch(path)) add(path, found);
          else if (entry.isDirectory()) below.push(path);
        }
      }
    }
    level = below;
  }
}

/** What cannot be read cannot be read by a command either. */
async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function add(path: string, found: Set<string>): void {
  const target = kindAt(path) === "link" ? targetOf(path) : path;
  if (target !== undefined) found.add(target);
  if (found.size > maxDenied) {
    throw new SandboxError(
      `the patterns that the permissions deny match more than ${maxDenied} files: deny the folders that hold them`,
    );
  }
}

/** A link may lead to one file; a whole folder is denied by its own name. */
function targetOf(link: string): string | undefined {
  try {
    const real = realpathSync.native(link);
    return statSync(real).isFile() ? real : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Every other name, below `folders`, of those of `files` that have more than one. Rejects with `SandboxError` where not
 * all of them are found: by one of those a command could read the file.
 */
export async function otherNames(
  files: readonly string[],
  folders: readonly string[],
): Promise<readonly string[]> {
  const wanted = new Map<string, Linked>();
  for (const path of files.flatMap(filesBelow)) {
    const at = lstatSync(path, { throwIfNoEntry: false });
    if (at === undefined || at.nlink < 2) continue;
    const { dev, ino, nlink } = at;
    const key = `${dev}:${ino}`;
    const linked = wanted.get(key) ?? { path, nlink, names: new Set<string>() };
    linked.names.add(path);
    wanted.set(key, linked);
  }
  if (wanted.size === 0) return [];
  const budget = new Budget();
  const seen = new Set<string>();
  for (const folder of folders) await searchNames(folder, wanted, budget, seen);
  const hiding = [...wanted.values()].find(({ nlink, names }) => names.size < nlink);
  if (hiding) {
    throw new SandboxError(
      `${hiding.path} must be kept from commands, and it has another name (a hard link) that was not found: remove that one (find / -xdev -samefile ${hiding.path})`,
    );
  }
  return [...wanted.values()].flatMap(({ names }) => [...names]);
}

interface Linked {
  readonly path: string;
  readonly nlink: number;
  readonly names: Set<string>;
}

async function searchNames(
  folder: string,
  wanted: ReadonlyMap<string, Linked>,
  budget: Budget,
  seen: Set<string>,
): Promise<void> {
  const left = [folder];
  for (;;) {
    const at = left.pop();
    if (at === undefined) return;
    if (seen.has(at)) continue;
    seen.add(at);
    const entries = await entriesOf(at);
    budget.spend(entries.length);
    for (const entry of entries) {
      const path = join(at, entry.name);
      if (entry.isDirectory()) left.push(path);
      else if (entry.isFile()) note(path, wanted);
    }
  }
}

function note(path: string, wanted: ReadonlyMap<string, Linked>): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found) wanted.get(`${found.dev}:${found.ino}`)?.names.add(path);
}

/** What goes meanwhile is left out. */
function filesBelow(path: string): readonly string[] {
  const kind = kindAt(path);
  if (kind === "file") return [path];
  if (kind !== "folder") return [];
  return namesIn(path).flatMap((name) => filesBelow(join(path, name)));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return [];
    throw error;
  }
}
