import { type Stats, lstatSync } from "node:fs";
import { isLinkedInto } from "../util/hard-links.ts";
import { realPath } from "../util/real-path.ts";
import { isInside } from "./path-access.ts";

/**
 * Whether `real`, a real path, is one of the protected ones, lies inside one, or is a hard link to such a file. `file`: what is
 * there, where it is held open.
 */
export function isProtected(
  real: string,
  protectedPaths: readonly string[],
  file: Stats | undefined = fileAt(real),
): boolean {
  const kept = protectedPaths.map((path) => realPath(path));
  if (kept.some((path) => isInside(path, real))) return true;
  return file !== undefined && isLinkedInto(file, kept);
}

/** Undefined where nothing is yet, and for anything but a file. */
function fileAt(path: string): Stats | undefined {
  try {
    const found = lstatSync(path);
    return found.isFile() ? found : undefined;
  } catch {
    return undefined;
  }
}
