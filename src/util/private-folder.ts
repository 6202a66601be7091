import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes `folder` (0700) and the folders above it that are missing, one at a time: Node 20's
 * recursive way never returns on file systems such as /proc. Throws the system's error.
 */
export function makePrivateFolder(folder: string): void {
  const missing: string[] = [];
  for (let path = folder; !existsSync(path); path = dirname(path)) missing.push(path);
  for (const path of missing.toReversed()) mkdirSync(path, { mode: 0o700 });
}
