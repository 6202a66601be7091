/** How a known rollout ends: what a writer has to know to go on. */
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { ThreadMeta } from "../port.ts";
import { freshState } from "../rollout/encode.ts";
import type { EncoderState } from "../rollout/encode.ts";
import { ordinalOf } from "../rollout/line-ordinal.ts";
import { storeFailure } from "./store-failure.ts";

/** One line is seldom longer. */
const firstStepBytes = 64 * 1024;

/** The latest line's ordinal; undefined where no line has one. */
async function lastOrdinal(file: FileHandle, size: number): Promise<number | undefined> {
  for (let step = firstStepBytes; ; step *= 4) {
    const from = Math.max(0, size - step);
    const bytes = Buffer.alloc(size - from);
    await file.read(bytes, 0, bytes.length, from);
    const lines = bytes.toString("utf8").split("\n");
    // The first piece begins in the middle of a line unless it is the file's beginning.
    for (const line of (from === 0 ? lines : lines.slice(1)).toReversed()) {
      const value = ordinalOf(line);
      if (value !== undefined) return value;
    }
    if (from === 0) return undefined;
  }
}

/** Rejects with `StoreError`. */
export async function stateAtEnd(
  path: string,
  id: string,
  form: ThreadMeta["historyMode"],
): Promise<EncoderState> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      const last = form === "paginated" ? await lastOrdinal(file, size) : undefined;
      return { ...freshState(id, form), nextOrdinal: last === undefined ? 0 : last + 1 };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw storeFailure(error, "read the thread's file");
  }
}
