/** The files of the log: named by their first sequence, appended to whole lines at a time, never deleted. */
import {
  chmodSync,
  closeSync,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { makePrivateFolder } from "../util/private-folder.ts";
import type { ChainEnd } from "./audit-line.ts";
import { chainStart, endOf, readLine } from "./audit-line.ts";

const namePattern = /^\d{12}\.jsonl$/;
const lineFeed = 10;

/** The log's files, in order. Throws the system's error. */
export const chainFiles = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => namePattern.test(name))
    .toSorted();

const nameFor = (sequence: number): string => `${String(sequence).padStart(12, "0")}.jsonl`;

/** Where the log of a folder ends. */
interface Found {
  readonly end: ChainEnd;
  /** The file to go on with. */
  readonly name: string;
  readonly bytes: number;
  /** What was taken away: a line that was not written to its end. */
  readonly tornBytes: number;
}

export class ChainFile {
  /** Where the chain ended when the folder was opened. */
  readonly found: ChainEnd;
  readonly tornBytes: number;
  readonly #folder: string;
  #fd: number;
  #bytes: number;
  /** A write failed in the middle, and what it wrote is still there. */
  #torn = false;
  #syncing: Promise<void> | undefined;

  /** Makes the folder (0700) where it is missing, and mends a torn end. Throws the system's error. */
  constructor(folder: string) {
    makePrivateFolder(folder);
    chmodSync(folder, 0o700);
    this.#folder = folder;
    const { end, name, bytes, tornBytes } = findEnd(folder);
    this.found = end;
    this.tornBytes = tornBytes;
    this.#fd = openSync(join(folder, name), "a", 0o600);
    this.#bytes = bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Writes all of it or, throwing the system's error, nothing. */
  append(lines: string): void {
    if (this.#torn) this.#mend();
    const data = Buffer.from(lines);
    try {
      for (let at = 0; at < data.length;) at += writeSync(this.#fd, data, at);
    } catch (error) {
      this.#torn = true;
      this.#mendIfPossible();
      throw error;
    }
    this.#bytes += data.length;
  }

  /** Goes on in a new file, whose first line will have this sequence. */
  rotate(sequence: number): void {
    const fd = openSync(join(this.#folder, nameFor(sequence)), "ax", 0o600);
    const old = this.#fd;
    const close = (): void => closeSync(old);
    fdatasyncSync(old);
    this.#fd = fd;
    this.#bytes = 0;
    if (this.#syncing === undefined) close();
    else void this.#syncing.then(close, close);
  }

  /** Resolves when what was written is on the disk. Calls that come while one is under way wait for one more. */
  async sync(): Promise<void> {
    await this.#syncing;
    this.#syncing ??= new Promise<void>((resolve, reject) => {
      fdatasync(this.#fd, (error) => (error ? reject(error) : resolve()));
    }).finally(() => (this.#syncing = undefined));
    await this.#syncing;
  }

  async close(): Promise<void> {
    await this.sync().catch(() => {});
    closeSync(this.#fd);
  }

  #mend(): void {
    ftruncateSync(this.#fd, this.#bytes);
    this.#torn = false;
  }

  #mendIfPossible(): void {
    try {
      this.#mend();
    } catch {
      // The next append tries again, and throws if it cannot.
    }
  }
}

function findEnd(folder: string): Found {
  const names = chainFiles(folder);
  const last = names.at(-1);
  if (last === undefined) return { end: chainStart, name: nameFor(1), bytes: 0, tornBytes: 0 };
  const file = join(folder, last);
  chmodSync(file, 0o600);
  const data = readFileSync(file);
  const bytes = data.lastIndexOf(lineFeed) + 1;
  if (bytes < data.length) truncateSync(file, bytes);
  const earlier = names.slice(0, -1);
  const end = endOfChain(data.subarray(0, bytes), () => {
    const name = earlier.pop();
    return name === undefined ? undefined : readFileSync(join(folder, name));
  });
  return { end, name: last, bytes, tornBytes: data.length - bytes };
}

/**
 * The last line of the chain. A line that cannot be read keeps its place, so that `verify` names it;
 * the chain goes on behind it.
 */
function endOfChain(data: Buffer, earlier: () => Buffer | undefined): ChainEnd {
  let unreadable = 0;
  let hash: string | undefined;
  for (let from: Buffer | undefined = data; from !== undefined; from = earlier()) {
    for (const line of linesFromEnd(from)) {
      hash ??= endOf(line, 0).hash;
      const sequence = readLine(line)?.sequence;
      if (sequence !== undefined) return { sequence: sequence + unreadable, hash };
      unreadable += 1;
    }
  }
  return { sequence: unreadable, hash: hash ?? chainStart.hash };
}

function* linesFromEnd(data: Buffer): Generator<Buffer> {
  for (let end = data.length - 1; end >= 0;) {
    const before = end === 0 ? -1 : data.lastIndexOf(lineFeed, end - 1);
    yield data.subarray(before + 1, end);
    end = before;
  }
}
