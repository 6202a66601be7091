/** A rollout file that grows: whole lines only, appended in one write, taken back when the write fails. */
import { open, rename, stat, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "./folder.ts";
import { storeFailure } from "./store-failure.ts";

const newline = 10;

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written);
    written += bytesWritten;
  }
}

export class RolloutFile {
  #path: string;
  #file: FileHandle | undefined;
  /** Bytes of whole lines; what lies behind them was left by a crash. */
  #bytes = 0;
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
    this.#bytes = size;
    this.#fresh = size === 0;
    if (size > 0) {
      const last = Buffer.alloc(1);
      await file.read(last, 0, 1, size - 1);
      this.#torn = last[0] !== newline;
    }
    return file;
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
