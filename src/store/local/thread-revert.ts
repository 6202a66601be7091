import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ThreadId, TurnId } from "../../protocol/ids.ts";
import { uuidV7 } from "../../util/uuid-v7.ts";
import type { ThreadRecord } from "../port.ts";
import type { EntryLookup } from "./entry-lookup.ts";
import { readForkPoint } from "./fork-file.ts";
import type { LocalWriter } from "./local-writer.ts";
import { writeRevertedFile } from "./reverted-file.ts";
import { fileOf, newRolloutPath, segmentTimeMs } from "./rollout-path.ts";
import type { RolloutFolders } from "./rollout-path.ts";
import type { StockState } from "./stock-state.ts";
import type { IndexEntry, ThreadIndex } from "./thread-index.ts";
import type { ThreadWriters } from "./thread-writers.ts";

export interface RevertParts {
  readonly folders: RolloutFolders;
  readonly lookup: EntryLookup;
  readonly index: ThreadIndex;
  readonly writers: ThreadWriters;
  readonly stock: StockState;
  readonly nowMs: () => number;
  readonly open: (id: ThreadId) => Promise<LocalWriter>;
}

/** Takes turns back of a thread that has a file. Rejects with `StoreError`. */
export async function revertThread(
  id: ThreadId,
  beforeTurnId: TurnId,
  parts: RevertParts,
): Promise<ThreadRecord> {
  const entry = await parts.lookup.latest(id);
  if (entry.record.historyMode === "legacy") return revertLegacy(entry, beforeTurnId, parts);
  const lock = await parts.writers.take(id);
  try {
    const reverted = await revertPaginated(entry, beforeTurnId, parts);
    parts.index.put([reverted]);
    await parts.stock.putReverted(reverted.record);
    return reverted.record;
  } finally {
    await lock.release();
  }
}

/** A `paginated` thread goes on in a further file, as with the stock server. */
async function revertPaginated(
  { record }: IndexEntry,
  beforeTurnId: TurnId,
  { folders, lookup, nowMs }: RevertParts,
): Promise<IndexEntry> {
  const source = fileOf(record);
  const pathOf = (segment: string) => lookup.pathOf(segment);
  const { end, preview } = await readForkPoint(source, pathOf, { beforeTurnId }, false);
  const atMs = nowMs();
  const segment = uuidV7(Math.max(atMs, segmentTimeMs(record.path) + 1));
  const fresh = newRolloutPath(folders, record.id, atMs, segment);
  const path = record.archived ? join(dirname(record.path), basename(fresh)) : fresh;
  await writeRevertedFile(path, source, end);
  const { mtimeMs, size } = await stat(path);
  const updatedAtMs = Math.floor(mtimeMs);
  return {
    record: { ...record, path, updatedAtMs, preview: preview || record.preview },
    mtimeMs: updatedAtMs,
    size,
  };
}

/** A `legacy` file gets a line that says how many turns are gone; stock servers of all generations heed it. */
async function revertLegacy(
  { record }: IndexEntry,
  beforeTurnId: TurnId,
  { lookup, open }: RevertParts,
): Promise<ThreadRecord> {
  const writer = await open(record.id);
  try {
    const pathOf = (segment: string) => lookup.pathOf(segment);
    const cut = { beforeTurnId };
    const { history } = await readForkPoint(fileOf(record), pathOf, cut, false);
    const at = history.turns.findIndex(({ id }) => id === beforeTurnId);
    await writer.rollBack(history.turns.length - at);
    return writer.record;
  } finally {
    await writer.close();
  }
}
