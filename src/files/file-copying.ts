/** Copying files and trees. Links are copied as links, and never followed at the other end of a tree. */
import { constants, type Stats } from "node:fs";
import {
  copyFile,
  mkdir,
  open,
  opendir,
  readlink,
  realpath,
  stat,
  symlink,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { invalidRequest } from "../protocol/errors.ts";
import { type FileGuard, isInside } from "./file-guard.ts";
import type { FileWriting } from "./file-writing.ts";
import { FolderMaking } from "./folder-making.ts";
import {
  childStats,
  landingOf,
  type Opened,
  type OpenedFolder,
  plainPath,
  withChild,
  withChildFolder,
  withFolder,
} from "./opened.ts";
import type { FileAccess } from "./port.ts";
import { isCode, systemError } from "./system-error.ts";
import { checkDepth } from "./tree-depth.ts";

export interface Copying {
  readonly guard: FileGuard;
  readonly writing: FileWriting;
  readonly access: FileAccess;
  /** As the caller named them. */
  readonly from: string;
  readonly to: string;
}

export async function copyPath(copying: Copying, isRecursive: boolean): Promise<void> {
  const { guard, access, from, to } = copying;
  const path = plainPath(from);
  const name = basename(path);
  if (name === "") throw invalidRequest(intoItself);
  await withFolder(guard, access, from, dirname(path), async (folder) => {
    const there = await childStats(folder, name);
    if (!there) throw systemError("ENOENT");
    await guard.checkName(from, join(folder.real, name), there);
    if (there.isDirectory()) {
      if (!isRecursive) {
        throw invalidRequest("fs/copy requires recursive: true when sourcePath is a directory");
      }
      return copyFolder(copying, folder, name);
    }
    if (there.isSymbolicLink()) {
      const end = await realpath(folder.child(name)).catch(() => undefined);
      if (end !== undefined) await guard.checkName(from, end, await stat(end));
      return copyLink(copying, folder.child(name));
    }
    if (!there.isFile()) throw notCopied();
    const place = await landingOf(plainPath(to));
    await withFolder(guard, access, to, place.folder, (target) =>
      copyOneFile(copying, { folder, name }, { folder: target, name: place.name }),
    );
  });
}

const intoItself = "fs/copy cannot copy a directory to itself or one of its descendants";

const notCopied = () =>
  invalidRequest("fs/copy only supports regular files, directories, and symlinks");

interface Spot {
  readonly folder: OpenedFolder;
  readonly name: string;
}

async function copyLink({ guard, access, to }: Copying, link: string): Promise<void> {
  const path = plainPath(to);
  const target = await readlink(link);
  await withFolder(guard, access, to, dirname(path), async (folder) => {
    const name = basename(path);
    if (name === "") throw systemError("EEXIST");
    await guard.checkChange(access, to, join(folder.real, name), await childStats(folder, name));
    await symlink(target, folder.child(name));
  });
}

/** What was opened and looked at is what is copied. */
async function copyOneFile(
  { guard, writing, access, from, to }: Copying,
  source: Spot,
  target: Spot,
): Promise<void> {
  await withChild(source.folder, source.name, async (file: Opened) => {
    if (!file.stats.isFile()) throw notCopied();
    await guard.checkName(from, file.real, file.stats);
    const place = await writing.place(access, to, target.folder, target.name);
    if (isSame(file.stats, place.before)) return;
    await writing.layDown(place, (temporary) => copyNew(file, temporary));
  });
}

const isSame = (one: Stats, other: Stats | undefined): boolean =>
  one.ino === other?.ino && one.dev === other.dev;

async function copyNew({ at, stats }: Opened, temporary: string): Promise<void> {
  await copyFile(at, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  const file = await open(temporary, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    await file.chmod(stats.mode & 0o777);
  } finally {
    await file.close();
  }
}

async function copyFolder(copying: Copying, parent: OpenedFolder, name: string): Promise<void> {
  const { guard, access, from, to } = copying;
  const real = join(parent.real, name);
  await guard.checkWhole(from, real);
  const making = new FolderMaking(guard, access, to);
  const end = await making.whereItWouldBe();
  if (isInside(real, end)) throw invalidRequest(intoItself);
  await making.ensured(async (target) => {
    await withChildFolder(parent, name, (folder) => copyTree(copying, folder, target, 0));
  });
}

async function copyTree(
  copying: Copying,
  source: OpenedFolder,
  target: OpenedFolder,
  depth: number,
): Promise<void> {
  const { guard, access, from, to } = copying;
  checkDepth(from, depth);
  await guard.checkBelow(from, source);
  await guard.checkBelow(to, target);
  for await (const entry of await opendir(source.at, { bufferSize: 256 })) {
    const { name } = entry;
    if (entry.isDirectory()) {
      await makeLike(copying, source, target, name);
      await withChildFolder(source, name, (below) =>
        withChildFolder(target, name, (made) => copyTree(copying, below, made, depth + 1)),
      );
    } else if (entry.isSymbolicLink()) {
      await guard.checkChange(access, to, join(target.real, name), await childStats(target, name));
      await symlink(await readlink(source.child(name)), target.child(name));
    } else if (entry.isFile()) {
      await copyOneFile(copying, { folder: source, name }, { folder: target, name });
    }
    // pipes, sockets and devices stay where they are
  }
}

/** A folder as the source's is, never open to more people. */
async function makeLike(
  { guard, access, to }: Copying,
  source: OpenedFolder,
  target: OpenedFolder,
  name: string,
): Promise<void> {
  const like = await childStats(source, name);
  await guard.checkChange(access, to, join(target.real, name), await childStats(target, name));
  try {
    await mkdir(target.child(name), { mode: ((like?.mode ?? 0o777) & 0o777) | 0o700 });
  } catch (error) {
    if (!isCode(error, "EEXIST")) throw error;
  }
}
