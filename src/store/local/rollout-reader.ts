/** Reading rollouts in slices, so that a long history never holds up the event loop. */
import { open } from "node:fs/promises";
import { RolloutDecoder } from "../rollout/decode.ts";
import type { DecodedHistory } from "../rollout/decode.ts";
import { parseRecord, recordOf } from "../rollout/members.ts";
import { historyBaseOf } from "../rollout/meta-coding.ts";
import { storeFailure } from "./store-failure.ts";

/** About 2 ms of parsing. */
const sliceBytes = 256 * 1024;
const newline = 10;

/** The lines of the file's first `endOffset` bytes, one read's worth at a time; the last may be torn. */
export async function* readLines(
  path: string,
  endOffset = Number.POSITIVE_INFINITY,
  readBytes = sliceBytes,
): AsyncGenerator<string[]> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.allocUnsafe(readBytes);
    let carried: Buffer[] = [];
    let offset = 0;
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

/** A fork of a fork of a fork is seen; a circle of damaged files ends here. */
const maxBases = 32;

/** Adds a file's lines, and before them those of the files that it was forked from. */
async function addFile(
  decoder: RolloutDecoder,
  path: string,
  endOffset: number | undefined,
  pathOf: (id: string) => Promise<string | undefined>,
  depth: number,
): Promise<void> {
  let first = true;
  for await (const lines of readLines(path, endOffset)) {
    for (const line of lines) {
      decoder.add(line);
      if (!first) continue;
      first = false;
      const base = historyBaseOf(recordOf(parseRecord(line)?.["payload"]));
      const basePath = base && depth < maxBases ? await pathOf(base.threadId) : undefined;
      if (base && basePath !== undefined) {
        await addFile(decoder, basePath, base.endOffset, pathOf, depth + 1);
      }
    }
  }
}

/** Rejects with `StoreError`. `pathOf` finds the file of another thread. */
export async function readHistory(
  path: string,
  pathOf: (id: string) => Promise<string | undefined>,
): Promise<DecodedHistory> {
  const decoder = new RolloutDecoder();
  try {
    await addFile(decoder, path, undefined, pathOf, 0);
  } catch (error) {
    throw storeFailure(error, "read the thread's history");
  }
  return decoder.finish();
}
