/** Files and folders held open, so that what was checked is what is used, whatever happens to their names meanwhile. */
import type { Stats } from "node:fs";
import { lstat, open, readlink, realpath } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { invalidRequest } from "../protocol/errors.ts";
import { descriptorPath, lookFlags } from "../util/descriptors.ts";
import type { FileGuard } from "./file-guard.ts";
import type { FileAccess } from "./port.ts";
import { isCode, systemError } from "./system-error.ts";

/** As many links as Linux follows before it gives up. */
const maxLinks = 40;

/** Something that is open and was checked. */
export interface Opened {
  /** Its path by the kernel when it was opened. */
  readonly real: string;
  readonly stats: Stats;
  /** A path to the thing itself. */
  readonly at: string;
}

export interface OpenedFolder extends Opened {
  /** A path to what has this name in it. */
  child(name: string): string;
}

/** The path without `.`, `..` and doubled separators. Throws where no path can be so. */
export function plainPath(path: string): string {
  if (path.includes("\0")) throw invalidRequest("file name contained an unexpected NUL byte");
  return resolve(path);
}

/** Opens what the path leads to, checks it, and closes it after the work. */
export async function withOpened<T>(
  guard: FileGuard,
  access: FileAccess,
  path: string,
  work: (opened: OpenedFolder) => Promise<T>,
): Promise<T> {
  return holding(await realpath(plainPath(path)), async (opened) => {
    await guard.check(access, path, opened);
    return work(opened);
  });
}

/** The same for a folder; `path` is what the caller named, `folder` where it is. */
export async function withFolder<T>(
  guard: FileGuard,
  access: FileAccess,
  path: string,
  folder: string,
  work: (opened: OpenedFolder) => Promise<T>,
): Promise<T> {
  return holding(await realpath(folder), async (opened) => {
    if (!opened.stats.isDirectory()) throw systemError("ENOTDIR");
    await guard.check(access, path, opened);
    return work(opened);
  });
}

/** What has a name in an open folder. Not through a symbolic link. */
export const withChild = <T>(
  parent: OpenedFolder,
  name: string,
  work: (opened: OpenedFolder) => Promise<T>,
): Promise<T> => holding(parent.child(name), work);

export const withChildFolder = <T>(
  parent: OpenedFolder,
  name: string,
  work: (opened: OpenedFolder) => Promise<T>,
): Promise<T> =>
  withChild(parent, name, async (opened) => {
    if (!opened.stats.isDirectory()) throw systemError("ENOTDIR");
    return work(opened);
  });

/** Opens without following a last link. Rejects where one stands there now. */
async function holding<T>(path: string, work: (opened: OpenedFolder) => Promise<T>): Promise<T> {
  const handle = await open(path, lookFlags);
  try {
    const stats = await handle.stat();
    if (stats.isSymbolicLink()) throw systemError("ELOOP");
    const { at, real } = await placed(handle, path, stats);
    return await work({ at, real, stats, child: (name) => join(at, name) });
  } finally {
    await handle.close();
  }
}

async function placed(
  { fd }: FileHandle,
  path: string,
  { dev, ino }: Stats,
): Promise<{ readonly at: string; readonly real: string }> {
  const at = descriptorPath(fd);
  if (at !== undefined) return { at, real: await readlink(at) };
  const real = await realpath(path);
  const now = await lstat(real);
  if (now.dev !== dev || now.ino !== ino) throw systemError("ELOOP");
  return { at: real, real };
}

/** What has a name in an open folder; undefined: nothing. */
export async function childStats(folder: OpenedFolder, name: string): Promise<Stats | undefined> {
  try {
    return await lstat(folder.child(name));
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Where something written to the path would land: links are followed, dangling ones too. */
export interface Landing {
  /** The real path of the folder. */
  readonly folder: string;
  readonly name: string;
}

export async function landingOf(path: string, linksLeft = maxLinks): Promise<Landing> {
  if (linksLeft === 0) throw systemError("ELOOP");
  try {
    return landing(await realpath(path));
  } catch (error) {
    if (!isCode(error, "ENOENT")) throw error;
  }
  const folder = await realpath(dirname(path));
  const there = await lstat(path).catch(() => undefined);
  if (!there?.isSymbolicLink()) return landing(join(folder, basename(path)));
  const target = await readlink(path);
  // left as it is: where `..` leads in it depends on the links before it
  return landingOf(isAbsolute(target) ? target : `${folder}/${target}`, linksLeft - 1);
}

function landing(real: string): Landing {
  const name = basename(real);
  if (name === "" || name === "." || name === "..") throw systemError("EISDIR");
  return { folder: dirname(real), name };
}
