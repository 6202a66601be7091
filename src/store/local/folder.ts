import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf } from "./store-failure.ts";

/**
 * Makes a folder and those above it, for their owner only. Level by level, because Node's recursive
 * mkdir says ENOENT where the file system is read-only.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path, { mode: 0o700 }).catch((again: unknown) => {
      if (codeOf(again) !== "EEXIST") throw again;
    });
  }
}
