/** Reading where a fork leaves its source, and writing the file that it begins with. */
import { open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { ThreadId } from "../../protocol/ids.ts";
import { StoreError } from "../port.ts";
import type { ForkCut, ThreadMeta } from "../port.ts";
import { encodeHead, freshState } from "../rollout/encode.ts";
import type { EncoderState } from "../rollout/encode.ts";
import { baseAt, ForkScan } from "../rollout/fork-point.ts";
import type { ForkPoint } from "../rollout/fork-point.ts";
import { makeFolder } from "./folder.ts";
import { historyBaseOf } from "../rollout/meta-coding.ts";
import { segmentOfFile, unfinishedPath } from "./rollout-path.ts";
import { firstPayload, historyLines, wholeBytes } from "./rollout-reader.ts";
import type { HistoryFile } from "./rollout-reader.ts";
import { storeFailure } from "./store-failure.ts";
import type { ThreadIndex } from "./thread-index.ts";

type PathOf = (id: string) => Promise<string | undefined>;

/** Rejects with `StoreError`. `isRunning`: whether the source's last turn goes on. */
export async function readForkPoint(
  source: HistoryFile,
  pathOf: PathOf,
  cut: ForkCut,
  isRunning: boolean,
): Promise<ForkPoint> {
  const scan = new ForkScan();
  try {
    const endOffset = await wholeBytes(source.path);
    for await (const { threadId, lines } of historyLines({ ...source, endOffset }, pathOf)) {
      scan.add(threadId, lines);
    }
  } catch (error) {
    throw storeFailure(error, "read the thread's history");
  }
  return scan.finish(cut, isRunning);
}

/**
 * Makes the file whole or not at all. A `paginated` fork leans on its source's file, as the stock
 * server's does: it costs the same for a long thread and a short one, and both programs read it. A
 * `legacy` one is a copy, because older programs know nothing else. Rejects with `StoreError`.
 */
export async function writeForkFile(
  path: string,
  meta: ThreadMeta,
  point: ForkPoint,
  source: HistoryFile,
  pathOf: PathOf,
  nowMs: number,
): Promise<EncoderState> {
  const { end } = point;
  const leans = meta.historyMode === "paginated" && end !== undefined;
  const fresh = freshState(meta.id, meta.historyMode);
  const head = encodeHead(
    leans ? { ...fresh, nextOrdinal: end.ordinal } : fresh,
    meta,
    nowMs,
    leans ? baseAt(end) : undefined,
  );
  const temporary = unfinishedPath(path);
  try {
    await makeFolder(dirname(path));
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(`${head.lines.join("\n")}\n`);
      if (!leans && end !== undefined) {
        for await (const lines of linesBefore(source, pathOf, point)) {
          if (lines.length > 0) await file.writeFile(`${lines.join("\n")}\n`);
        }
      }
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw storeFailure(error, "save the fork");
  }
  return head.state;
}

/** Rejects with `StoreError` `busy` where another thread leans on one of the files. */
export async function refuseWhileRead(
  id: ThreadId,
  paths: readonly string[],
  index: ThreadIndex,
): Promise<void> {
  const segments = new Set(paths.map(segmentOfFile));
  for (const { record } of index.forksOf(id)) {
    const first = await firstPayload(record.path).catch(() => ({}));
    if (segments.has(historyBaseOf(first)?.threadId)) {
      throw new StoreError(
        "busy",
        `cannot delete thread ${id}: forked history still references it`,
      );
    }
  }
}

/** The source's lines up to where the fork leaves it. */
async function* linesBefore(
  source: HistoryFile,
  pathOf: PathOf,
  { end }: ForkPoint,
): AsyncGenerator<readonly string[]> {
  let line = 0;
  for await (const { threadId, lines } of historyLines(source, pathOf)) {
    const left = end?.threadId === threadId ? end.line - line : lines.length;
    if (end?.threadId === threadId) line += lines.length;
    yield lines.slice(0, Math.max(0, left));
    if (left < lines.length) return;
  }
}
