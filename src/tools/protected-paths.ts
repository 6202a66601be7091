import { type Stats, lstatSync } from "node:fs";
import { isInside } from "../permissions/path-access.ts";
import { isLinkedInto } from "../util/hard-links.ts";
import { realPath } from "../util/real-path.ts";

/** Whether `real`, a real path, is one of the protected ones, lies inside one, or is a hard link to such a file. */
export function isProtected(real: string, protectedPaths: readonly string[]): boolean {
  if (protectedPaths.some((path) => isInside(realPath(path), real))) return true;
  const file = fileAt(real);
  return (
    file !== undefined &&
    isLinkedInto(
      file,
      protectedPaths.map((path) => realPath(path)),
    )
  );
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
