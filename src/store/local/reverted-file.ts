/**
 * The file in which a `paginated` thread goes on after a revert: what was before the turn, copied, so
 * that the stock server, too, reads it whole. The file before it stays, because forks may lean on it.
 */
import { copyFile, constants, rename, truncate, unlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { baseAt } from "../rollout/fork-point.ts";
import type { LinePlace } from "../rollout/fork-point.ts";
import { encodeRebased } from "../rollout/meta-coding.ts";
import { makeFolder } from "./folder.ts";
import { unfinishedPath } from "./rollout-path.ts";
import { firstLine } from "./rollout-reader.ts";
import type { HistoryFile } from "./rollout-reader.ts";
import { storeFailure } from "./store-failure.ts";

/**
 * Makes the file whole or not at all. `end`: where the history ends from now on, in `source` or in a
 * file that it leans on; undefined where nothing is left of it. Rejects with `StoreError`.
 */
export async function writeRevertedFile(
  path: string,
  source: HistoryFile,
  end: LinePlace | undefined,
): Promise<void> {
  const temporary = unfinishedPath(path);
  try {
    await makeFolder(dirname(path));
    if (end !== undefined && end.threadId === source.threadId) {
      await copyFile(source.path, temporary, constants.COPYFILE_FICLONE);
      await truncate(temporary, end.offset);
    } else {
      const head = encodeRebased(await firstLine(source.path), end && baseAt(end));
      await writeFile(temporary, `${head}\n`, { mode: 0o600, flag: "wx" });
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw storeFailure(error, "take the turns back");
  }
}
