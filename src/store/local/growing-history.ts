/** The history of a thread that this program writes: of a file that grew, only what is new is read. */
import { open } from "node:fs/promises";
import { RolloutDecoder } from "../rollout/decode.ts";
import type { DecodedHistory } from "../rollout/decode.ts";
import { historyLines, readLines, wholeBytes } from "./rollout-reader.ts";
import type { HistoryFile } from "./rollout-reader.ts";
import { storeFailure } from "./store-failure.ts";

/** Enough to notice that somebody rewrote the file in spite of the lock. */
const mark = 512;

export class GrowingHistory {
  readonly #decoder = new RolloutDecoder();
  #offset = 0;
  /** The last bytes that were read. */
  #tail: Buffer = Buffer.alloc(0);

  /** All of it, or what came since the last time; undefined where the file is not the one that was read. Rejects with `StoreError`. */
  async read(
    file: HistoryFile,
    pathOf: (id: string) => Promise<string | undefined>,
  ): Promise<DecodedHistory | undefined> {
    try {
      const endOffset = await wholeBytes(file.path);
      if (this.#offset === 0) {
        for await (const { lines } of historyLines({ ...file, endOffset }, pathOf))
          this.#add(lines);
      } else {
        if (endOffset < this.#offset) return undefined;
        if (!this.#tail.equals(await bytesBefore(file.path, this.#offset))) return undefined;
        const more = readLines(file.path, endOffset, undefined, this.#offset);
        for await (const lines of more) this.#add(lines);
      }
      this.#offset = endOffset;
      this.#tail = await bytesBefore(file.path, endOffset);
      return this.#decoder.finish();
    } catch (error) {
      throw storeFailure(error, "read the thread's history");
    }
  }

  #add(lines: readonly string[]): void {
    for (const line of lines) this.#decoder.add(line);
  }
}

async function bytesBefore(path: string, offset: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.min(mark, offset));
  const file = await open(path, "r");
  try {
    await file.read(bytes, 0, bytes.length, offset - bytes.length);
    return bytes;
  } finally {
    await file.close();
  }
}
