/** A rollout file that grows: whole lines only, appended in one write, taken back when the write fails. */
import { open, rename, stat, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { parseRecord } from "../rollout/members.ts";
import { makeFolder } from "./folder.ts";
import { storeFailure } from "./store-failure.ts";

const newline = 10;
/** One line is seldom longer. */
const firstStepBytes = 64 * 1024;

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written);
    written += bytesWritten;
  }
}

/** What lies behind the last line end, byte for byte; empty in a file of whole lines. */
async function lastPiece(file: FileHandle, size: number): Promise<string> {
  for (let step = firstStepBytes; ; step *= 4) {
    const from = Math.max(0, size - step);
    const bytes = Buffer.alloc(size - from);
    await file.read(bytes, 0, bytes.length, from);
    const end = bytes.lastIndexOf(newline);
    if (end !== -1 || from === 0) return bytes.subarray(end + 1).toString("latin1");
  }
}

export class RolloutFile {
  #path: string;
  #file: FileHandle | undefined;
  /** Bytes of whole lines, and of a last one that has no end yet. */
  #bytes = 0;
  /** Whether the last line still needs its end. */
  #torn = false;
  /** Whether this program made the file and nothing is in it yet. */
  #fresh = false;

  constructor(path: string) {
    this.#path = path;
  }

  get path(): string {
    return this.#path;
  }

  /** Opens the file once and keeps it; its folder is made when missing. */
  async #opened(): Promise<FileHandle> {
    if (this.#file !== undefined) return this.#file;
    await makeFolder(dirname(this.#path));
    // Readable too: the last byte tells whether a crash left half a line.
    const file = await open(this.#path, "a+", 0o600);
    this.#file = file;
    const { size } = await file.stat();
    this.#fresh = size === 0;
    this.#bytes = await this.#mend(file, size);
    return file;
  }

  /** Ends a last line that only misses its end, cuts one that a crash tore. Resolves with the bytes of whole lines. */
  async #mend(file: FileHandle, size: number): Promise<number> {
    const tail = await lastPiece(file, size);
    if (tail === "") return size;
    if (parseRecord(tail) !== undefined) {
      this.#torn = true;
      return size;
    }
    const whole = size - tail.length;
    await file.truncate(whole);
    return whole;
  }

  /** Resolves when all lines are with the operating system. Rejects with `StoreError`; then none of them is in the file. */
  async append(lines: readonly string[]): Promise<void> {
    try {
      const file = await this.#opened();
      const bytes = Buffer.from(`${this.#torn ? "\n" : ""}${lines.join("\n")}\n`);
      try {
        await writeAll(file, bytes);
      } catch (error) {
        await this.#takeBack(file, bytes.length);
        throw error;
      }
      this.#bytes += bytes.length;
      this.#torn = false;
      this.#fresh = false;
    } catch (error) {
      throw storeFailure(error, "save the conversation");
    }
  }

  /** Cuts what a failed write left, unless it is more than that write can have left. */
  async #takeBack(file: FileHandle, attempted: number): Promise<void> {
    try {
      const { size } = await file.stat();
      if (size >= this.#bytes + attempted || size < this.#bytes) {
        this.#torn = true;
        return;
      }
      if (size > this.#bytes) await file.truncate(this.#bytes);
      if (this.#fresh) await this.#discard(file);
    } catch {
      this.#torn = true;
    }
  }

  async #discard(file: FileHandle): Promise<void> {
    this.#file = undefined;
    await file.close();
    await unlink(this.#path);
  }

  /** Size in bytes and time of the last change, Unix ms; undefined before the first append. */
  async stat(): Promise<{ readonly size: number; readonly mtimeMs: number } | undefined> {
    const found = await (this.#file?.stat() ?? stat(this.#path).catch(() => undefined));
    return found && { size: found.size, mtimeMs: Math.floor(found.mtimeMs) };
  }

  async move(to: string): Promise<void> {
    await moveFile(this.#path, to);
    this.#path = to;
  }

  /** Another program moved the file. */
  movedTo(path: string): void {
    this.#path = path;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

/** Rejects with `StoreError`. */
export async function moveFile(from: string, to: string): Promise<void> {
  try {
    await makeFolder(dirname(to));
    await rename(from, to);
  } catch (error) {
    throw storeFailure(error, "move the thread's file");
  }
}
