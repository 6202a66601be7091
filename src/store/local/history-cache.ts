/** The histories that were read last, each as long as its file is the one that was read. */
import { stat } from "node:fs/promises";
import type { DecodedHistory } from "../rollout/decode.ts";
import type { GrowingHistory } from "./growing-history.ts";

/** What people have open at a time. */
const maxHistories = 8;
/** A decoded history takes about as much memory as its file. */
const maxBytes = 64 * 1024 * 1024;

interface Kept {
  readonly stamp: string;
  readonly bytes: number;
  readonly history: DecodedHistory;
  readonly growing: GrowingHistory | undefined;
}

export interface HistoryRead {
  readonly history: DecodedHistory;
  /** Whether every file was found that the history is made of. */
  readonly isWhole: boolean;
  /** With which the next reading may go on. */
  readonly growing?: GrowingHistory | undefined;
}

export class HistoryCache {
  /** By path, the one that was asked for last at the end. */
  readonly #kept = new Map<string, Kept>();

  /**
   * `read` is asked where the file is not as it was read before; what it left to go on with is its
   * alone while it runs. Rejects as `read` does.
   */
  async get(
    path: string,
    read: (before: GrowingHistory | undefined) => Promise<HistoryRead>,
  ): Promise<DecodedHistory> {
    // Before the reading: what is appended meanwhile makes another stamp.
    const found = await stampOf(path);
    const known = this.#kept.get(path);
    this.#kept.delete(path);
    if (known !== undefined && known.stamp === found?.stamp) {
      this.#kept.set(path, known);
      return known.history;
    }
    const { history, isWhole, growing } = await read(known?.growing);
    if (isWhole && found !== undefined && found.bytes <= maxBytes) {
      this.#kept.set(path, { ...found, history, growing });
      this.#trim();
    }
    return history;
  }

  #trim(): void {
    let bytes = [...this.#kept.values()].reduce((sum, kept) => sum + kept.bytes, 0);
    for (const [path, kept] of this.#kept) {
      if (this.#kept.size <= maxHistories && bytes <= maxBytes) return;
      this.#kept.delete(path);
      bytes -= kept.bytes;
    }
  }
}

/** Another one for every change of the file: nanoseconds, size and the file itself. */
async function stampOf(path: string): Promise<{ stamp: string; bytes: number } | undefined> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return { stamp: `${ino}:${size}:${mtimeNs}:${ctimeNs}`, bytes: Number(size) };
  } catch {
    return undefined;
  }
}
