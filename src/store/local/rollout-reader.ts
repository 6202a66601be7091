/** Reading rollouts in slices, so that a long history never holds up the event loop. */
import { open, stat } from "node:fs/promises";
import { RolloutDecoder } from "../rollout/decode.ts";
import type { DecodedHistory } from "../rollout/decode.ts";
import { parseRecord, recordOf } from "../rollout/members.ts";
import type { Json } from "../rollout/members.ts";
import { historyBaseOf } from "../rollout/meta-coding.ts";
import { storeFailure } from "./store-failure.ts";

/** About 1 ms of parsing. */
const sliceBytes = 128 * 1024;
const newline = 10;

/** The lines between two offsets, one read's worth at a time; the last may be torn. */
export async function* readLines(
  path: string,
  endOffset = Number.POSITIVE_INFINITY,
  readBytes = sliceBytes,
  startOffset = 0,
): AsyncGenerator<string[]> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.allocUnsafe(readBytes);
    let carried: Buffer[] = [];
    let offset = startOffset;
    while (offset < endOffset) {
      const wanted = Math.min(readBytes, endOffset - offset);
      const { bytesRead } = await file.read(buffer, 0, wanted, offset);
      if (bytesRead === 0) break;
      offset += bytesRead;
      const slice = buffer.subarray(0, bytesRead);
      const end = slice.lastIndexOf(newline);
      if (end === -1) {
        carried.push(Buffer.from(slice));
        continue;
      }
      const whole = Buffer.concat([...carried, slice.subarray(0, end)]);
      carried = [Buffer.from(slice.subarray(end + 1))];
      yield whole.toString("utf8").split("\n");
    }
    const rest = Buffer.concat(carried).toString("utf8");
    if (rest !== "") yield [rest];
  } finally {
    await file.close();
  }
}

/** Where the last line ends that is there whole. */
export async function wholeBytes(path: string): Promise<number> {
  const { size } = await stat(path);
  const file = await open(path, "r");
  try {
    const step = Buffer.alloc(Math.min(size, 64 * 1024));
    for (let to = size; to > 0; to -= step.length) {
      const from = Math.max(0, to - step.length);
      const { bytesRead } = await file.read(step, 0, to - from, from);
      const at = step.subarray(0, bytesRead).lastIndexOf(newline);
      if (at !== -1) return from + at + 1;
    }
    return 0;
  } finally {
    await file.close();
  }
}

/** A rollout's first line, without its end; empty in an empty file. Rejects with `StoreError`. */
export async function firstLine(path: string): Promise<string> {
  try {
    for await (const [line = ""] of readLines(path)) return line;
    return "";
  } catch (error) {
    throw storeFailure(error, "read the thread's file");
  }
}

/** What a rollout's first line says of the thread. Rejects with `StoreError`. */
export const firstPayload = async (path: string): Promise<Json> =>
  recordOf(parseRecord(await firstLine(path))?.["payload"]);

/** A fork of a fork of a fork is seen; a circle of damaged files ends here. */
export const maxBases = 32;

/** Lines of one thread's file, in order. */
export interface LineBatch {
  readonly threadId: string;
  readonly lines: readonly string[];
}

export interface HistoryFile {
  readonly threadId: string;
  readonly path: string;
  /** Where it ends for the reader; without it, where the file ends. */
  readonly endOffset?: number;
}

/** Finds the file of another thread. */
type PathOf = (id: string) => Promise<string | undefined>;

/** A file's first line, those of the files that it was forked from, and its other lines. */
export async function* historyLines(
  { threadId, path, endOffset }: HistoryFile,
  pathOf: PathOf,
  depth = 0,
): AsyncGenerator<LineBatch> {
  let first = true;
  for await (const lines of readLines(path, endOffset)) {
    if (!first) {
      yield { threadId, lines };
      continue;
    }
    first = false;
    yield { threadId, lines: lines.slice(0, 1) };
    const base = historyBaseOf(recordOf(parseRecord(lines[0] ?? "")?.["payload"]));
    const basePath = base && depth < maxBases ? await pathOf(base.threadId) : undefined;
    if (base && basePath !== undefined) {
      yield* historyLines({ ...base, path: basePath }, pathOf, depth + 1);
    }
    yield { threadId, lines: lines.slice(1) };
  }
}

/** Rejects with `StoreError`. */
export async function readHistory(file: HistoryFile, pathOf: PathOf): Promise<DecodedHistory> {
  const decoder = new RolloutDecoder();
  try {
    for await (const { lines } of historyLines(file, pathOf)) {
      for (const line of lines) decoder.add(line);
    }
  } catch (error) {
    throw storeFailure(error, "read the thread's history");
  }
  return decoder.finish();
}
