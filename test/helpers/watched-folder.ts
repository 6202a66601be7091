/** What changes below a folder: told by the system as it happens, and seen by comparing before and after. */
import { watch } from "node:fs";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

export interface WatchedFolder {
  /** Paths that were touched since the start, and those that are other than they were; without `except`. */
  changes(): Promise<readonly string[]>;
  close(): void;
}

/** `except`: folders right below it that do not count. */
export async function watchFolder(
  folder: string,
  except: readonly string[] = [],
): Promise<WatchedFolder> {
  const told = new Set<string>();
  const waiting = new Set<() => void>();
  const watcher = watch(folder, { recursive: true }, (_, name) => {
    told.add(String(name));
    for (const check of waiting) check();
  });
  const counts = (path: string): boolean =>
    path !== marker && !except.some((name) => path === name || path.startsWith(`${name}/`));
  /** The system tells in order: what came before is known once this one is. */
  const caughtUp = async (): Promise<void> => {
    const seen = new Promise<void>((resolve) => {
      const check = (): void => {
        if (told.has(marker)) resolve();
      };
      waiting.add(check);
    });
    await writeFile(join(folder, marker), "");
    await seen;
    await rm(join(folder, marker));
  };
  await caughtUp();
  told.clear();
  const before = await listing(folder);
  return {
    changes: async () => {
      await caughtUp();
      const after = await listing(folder);
      const paths = new Set([...before.keys(), ...after.keys()]);
      const others = [...paths].filter((path) => before.get(path) !== after.get(path));
      return [...new Set([...told, ...others])].filter(counts).toSorted();
    },
    close: () => watcher.close(),
  };
}

const marker = "watched-until-here";

/** Size and time of every file and folder below; the folder itself changes with the marker. */
async function listing(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const rows = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs, ino } = await stat(path);
    return [relative(folder, path), `${ino} ${size} ${mtimeMs}`] as const;
  });
  return new Map(await Promise.all(rows));
}
