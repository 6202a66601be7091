import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** As many links as Linux follows before it gives up. */
const maxLinks = 40;

/**
 * Where a write to `path` would really land: symlinks are followed, dangling ones too, and parts that do not exist
 * yet are kept as they are. Throws `Error` when links run in a circle.
 */
export function realPath(path: string, linksLeft = maxLinks): string {
  if (linksLeft === 0) throw new Error(`${path}: too many symbolic links`);
  const absolute = resolve(path);
  try {
    return realpathSync.native(absolute);
  } catch (error) {
    if (!isCode(error, "ENOENT") && !isCode(error, "ENOTDIR")) throw error;
  }
  const parent = dirname(absolute);
  if (parent === absolute) return absolute;
  const target = linkTarget(absolute);
  if (target !== undefined) return realPath(resolve(parent, target), linksLeft - 1);
  return join(realPath(parent, linksLeft), basename(absolute));
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
