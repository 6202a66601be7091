/** Other names of files: a hard link has a path of its own and the same content. */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

interface FileFacts {
  readonly dev: number;
  readonly ino: number;
  readonly nlink: number;
}

/** Whether the file is one of these, or one below them, by another name. */
export function isLinkedInto(file: FileFacts, paths: readonly string[]): boolean {
  return file.nlink > 1 && paths.some((path) => holds(path, file));
}

function holds(path: string, { dev, ino }: FileFacts): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  if (!found.isDirectory()) return found.dev === dev && found.ino === ino;
  return readdirSync(path).some((name) => holds(join(path, name), { dev, ino, nlink: 2 }));
}
