/** Looking at files and folders. */
import { constants, type Stats } from "node:fs";
import { lstat, open, opendir, realpath, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { invalidRequest, type RpcError } from "../protocol/errors.ts";
import { boundsOf, type FileGuard } from "./file-guard.ts";
import { type OpenedFolder, plainPath, withOpened } from "./opened.ts";
import type { FileAccess, FileFacts, FolderEntry } from "./port.ts";
import { isCode, systemError } from "./system-error.ts";

/** A file is answered as one message; larger ones are refused. */
const maxFileBytes = 8 * 1024 * 1024;
/** And so is a folder. */
const maxEntries = 100_000;

export const readWhole = (guard: FileGuard, access: FileAccess, path: string): Promise<Buffer> =>
  withOpened(guard, access, path, async ({ stats, at }) => {
    if (!stats.isFile()) throw invalidRequest(`path \`${path}\` is not a file`);
    if (stats.size > maxFileBytes) throw tooLarge(path, stats.size);
    const file = await open(at, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const bytes = await readUpTo(file, maxFileBytes + 1);
      if (bytes.length > maxFileBytes) throw tooLarge(path, bytes.length);
      return bytes;
    } finally {
      await file.close();
    }
  });

/** A file may be longer than its size says, in /sys or while somebody writes to it. */
async function readUpTo(file: FileHandle, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of file.createReadStream({ end: maxBytes - 1, autoClose: false })) {
    const part = Buffer.from(chunk);
    chunks.push(part);
    bytes += part.length;
  }
  return Buffer.concat(chunks, bytes);
}

const tooLarge = (path: string, bytes: number): RpcError =>
  invalidRequest(
    `path \`${path}\` is ${bytes} bytes or more; at most ${maxFileBytes} can be read in one call`,
  );

export const factsOf = (guard: FileGuard, access: FileAccess, path: string): Promise<FileFacts> =>
  withOpened(guard, access, path, async ({ stats }) => ({
    isDirectory: stats.isDirectory(),
    isFile: stats.isFile(),
    isSymlink: (await lstat(plainPath(path))).isSymbolicLink(),
    createdAtMs: Math.max(0, Math.trunc(stats.birthtimeMs)),
    modifiedAtMs: Math.max(0, Math.trunc(stats.mtimeMs)),
  }));

export const listFolder = (
  guard: FileGuard,
  access: FileAccess,
  path: string,
): Promise<readonly FolderEntry[]> =>
  withOpened(guard, access, path, async (folder) => {
    if (!folder.stats.isDirectory()) throw systemError("ENOTDIR");
    const entries: FolderEntry[] = [];
    for await (const entry of await opendir(folder.at, { bufferSize: 256 })) {
      const facts = entry.isSymbolicLink()
        ? await throughLink(guard, access, folder, entry.name)
        : entry;
      if (!facts) continue;
      if (entries.length === maxEntries) throw tooMany(path);
      entries.push({
        fileName: entry.name,
        isDirectory: facts.isDirectory(),
        isFile: facts.isFile(),
      });
    }
    return entries;
  });

const tooMany = (path: string): RpcError =>
  invalidRequest(
    `path \`${path}\` holds more than ${maxEntries} entries, which one answer cannot; list the folders in it one by one`,
  );

/** What a link in a folder leads to. Undefined: to nothing. */
async function throughLink(
  guard: FileGuard,
  access: FileAccess,
  folder: OpenedFolder,
  name: string,
): Promise<Pick<Stats, "isDirectory" | "isFile"> | undefined> {
  try {
    const real = await realpath(folder.child(name));
    guard.checkBounds(access, join(folder.real, name), real, await boundsOf(access));
    return await stat(real);
  } catch (error) {
    if (isCode(error, "ENOENT", "ELOOP", "ENOTDIR")) return undefined;
    // where it leads is not for this caller to know
    return { isDirectory: () => false, isFile: () => false };
  }
}
