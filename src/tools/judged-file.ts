/** Files and folders held open, so that what was judged is what is used: commands may swap their names at any moment. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
} from "node:fs";
import { join } from "node:path";
import { descriptorPath, lookFlags } from "../util/descriptors.ts";
import { realPath } from "../util/real-path.ts";
import type { WhyClosed } from "./closed-files.ts";

export type JudgedFile =
  | { readonly kind: "read"; readonly bytes: Buffer; readonly mode: number }
  | { readonly kind: "absent" | "otherKind" | "tooLarge" | "changed" }
  /** `why` is the rest of a sentence that begins with the file's name. */
  | { readonly kind: "closed"; readonly why: string };

/** Reads the file that lies at this real path, and no other. Throws the system's error. */
export function readJudged(real: string, whyClosed: WhyClosed, maxBytes: number): JudgedFile {
  const why = whyClosed(real);
  if (why !== undefined) return { kind: "closed", why };
  const fd = openFile(real);
  if (fd === undefined) return { kind: "absent" };
  try {
    const stats = fstatSync(fd);
    if (!isAt(real, fd, stats)) return { kind: "changed" };
    if (!stats.isFile()) return { kind: "otherKind" };
    const whyOpened = whyClosed(real, stats);
    if (whyOpened !== undefined) return { kind: "closed", why: whyOpened };
    if (stats.size > maxBytes) return { kind: "tooLarge" };
    const bytes = readWhole(fd, stats.size);
    return bytes ? { kind: "read", bytes, mode: stats.mode & 0o7777 } : { kind: "changed" };
  } finally {
    closeSync(fd);
  }
}

function openFile(real: string): number | undefined {
  try {
    // without a wait: a pipe may have taken the name
    return openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Undefined: there is more than the system said, as in files that it makes up when they are read. */
function readWhole(fd: number, size: number): Buffer | undefined {
  const bytes = Buffer.alloc(size + 1);
  let filled = 0;
  while (filled < bytes.length) {
    const count = readSync(fd, bytes, filled, bytes.length - filled, null);
    if (count === 0) return bytes.subarray(0, filled);
    filled += count;
  }
  return undefined;
}

/** Whether what is open lies at this real path. */
function isAt(real: string, fd: number, { dev, ino }: Stats): boolean {
  const link = descriptorPath(fd);
  if (link !== undefined) return readlinkSync(link) === real;
  const now = lstatSync(real, { throwIfNoEntry: false });
  return now?.dev === dev && now.ino === ino && realPath(real) === real;
}

/** A folder that is open and lies where it was judged to lie. */
export class HeldFolder {
  readonly real: string;
  readonly #fd: number;
  /** A path to the folder itself. */
  readonly #at: string;

  /** `at` is a way to it, by name. Throws where that leads elsewhere by now, and the system's error. */
  constructor(real: string, at: string) {
    this.real = real;
    this.#fd = openSync(at, lookFlags | constants.O_DIRECTORY);
    this.#at = descriptorPath(this.#fd) ?? real;
    try {
      if (isAt(real, this.#fd, fstatSync(this.#fd))) return;
      throw new Error(`${real} was moved or replaced meanwhile`);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** A path to what has this name in it. */
  child(name: string): string {
    return join(this.#at, name);
  }

  /** The system's words, with the folder's name for the way to it. */
  named(words: string): string {
    return words.replaceAll(`${this.#at}/`, `${this.real}/`);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
