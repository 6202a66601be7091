/** Removing files and folders, never through a symbolic link. */
import type { Dirent } from "node:fs";
import { opendir, realpath, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { FileGuard } from "./file-guard.ts";
import { childStats, type OpenedFolder, plainPath, withChildFolder, withFolder } from "./opened.ts";
import type { FileAccess, Files } from "./port.ts";
import { isCode, systemError } from "./system-error.ts";
import { checkDepth } from "./tree-depth.ts";

const maxEntriesAtOnce = 1_000;

export async function removePath(
  guard: FileGuard,
  access: FileAccess,
  named: string,
  { isRecursive, isForced }: Parameters<Files["remove"]>[2],
): Promise<void> {
  const path = plainPath(named);
  const name = basename(path);
  if (name === "") throw systemError("EBUSY");
  const parent = await folderThere(dirname(path), isForced);
  if (parent === undefined) return;
  await withFolder(guard, access, named, parent, async (folder) => {
    const there = await childStats(folder, name);
    if (!there && isForced) return;
    if (!there) throw systemError("ENOENT");
    const real = join(folder.real, name);
    await guard.checkChange(access, named, real, there);
    if (!there.isDirectory()) return unlink(folder.child(name));
    await guard.checkWhole(named, real);
    if (!isRecursive) return rmdir(folder.child(name));
    await removeTree(guard, named, folder, name, 0);
  });
}

/** Undefined: it is not there, and that is no error. */
async function folderThere(folder: string, isForced: boolean): Promise<string | undefined> {
  try {
    return await realpath(folder);
  } catch (error) {
    if (isForced && isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function removeTree(
  guard: FileGuard,
  named: string,
  parent: OpenedFolder,
  name: string,
  depth: number,
): Promise<void> {
  checkDepth(named, depth);
  await withChildFolder(parent, name, async (folder) => {
    await guard.checkBelow(named, folder);
    for (;;) {
      const entries = await someEntries(folder);
      if (entries.length === 0) return;
      for (const entry of entries) {
        if (entry.isDirectory()) await removeTree(guard, named, folder, entry.name, depth + 1);
        else await unlink(folder.child(entry.name));
      }
    }
  });
  await rmdir(parent.child(name));
}

/** A folder is not read on while its entries go. */
async function someEntries(folder: OpenedFolder): Promise<readonly Dirent[]> {
  const entries: Dirent[] = [];
  for await (const entry of await opendir(folder.at, { bufferSize: 256 })) {
    entries.push(entry);
    if (entries.length === maxEntriesAtOnce) break;
  }
  return entries;
}
