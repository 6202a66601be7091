/** Repositories and settings that lie deeper in a writable folder. Bounded: it is looked for before every command. */
import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { protectedNames } from "../../permissions/path-access.ts";

/** Of a folder below the writable one. */
const maxDepth = 3;
/** Each is a mount, and so are the folders on the way to it. */
const maxFound = 64;
/** Reading so many takes a few milliseconds. */
const maxFoldersRead = 256;
const names: ReadonlySet<string> = new Set(protectedNames);

/**
 * Paths of folders and files with a protected name, in folders up to three levels below `roots`; those nearest to a
 * root come first. `mayWrite`: whether commands may write in a folder. Links are not followed; `node_modules` and
 * folders whose name begins with a dot are passed by.
 */
export function nestedNames(
  roots: readonly string[],
  mayWrite: (folder: string) => boolean,
): readonly string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  let level = roots;
  for (let depth = 0; depth <= maxDepth; depth += 1) {
    const below: string[] = [];
    for (const folder of level) {
      if (seen.has(folder) || !mayWrite(folder)) continue;
      if (seen.size === maxFoldersRead) return found;
      seen.add(folder);
      for (const entry of entriesOf(folder)) {
        const path = join(folder, entry.name);
        if (isProtected(entry) && depth > 0) found.push(path);
        else if (isSearched(entry)) below.push(path);
        if (found.length === maxFound) return found;
      }
    }
    level = below;
  }
  return found;
}

const isProtected = (entry: Dirent): boolean =>
  names.has(entry.name) && (entry.isDirectory() || entry.isFile());

const isSearched = (entry: Dirent): boolean =>
  entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules";

/** What cannot be read holds nothing that could be protected by its name. */
function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
