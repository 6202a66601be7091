/** Reads of small files in folders that others may write: what stands there can be anything, at any moment. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
  type Stats,
} from "node:fs";
import { descriptorPath, lookOnly } from "./descriptors.ts";

export interface SmallFileBounds {
  /** What comes after so many bytes is not read. */
  readonly maxBytes: number;
  /** Whether a symbolic link may have the file's name; not if left out. */
  readonly followsLink?: boolean;
  /** Judges what is open: its path by the kernel, without links. */
  readonly admits?: (real: string, stats: Stats) => boolean;
}

/**
 * The beginning of a file. Never waits for another process: a pipe, a socket or a device is not read. Undefined for
 * those, for what is not admitted, and where nothing can be read.
 */
export function readSmallFile(path: string, bounds: SmallFileBounds): Buffer | undefined {
  const { maxBytes, followsLink = false, admits = () => true } = bounds;
  try {
    return holding(openSync(path, lookOnly | (followsLink ? 0 : constants.O_NOFOLLOW)), (fd) => {
      const stats = fstatSync(fd);
      if (!stats.isFile() || !admits(placeOf(fd, path, stats), stats)) return undefined;
      const itself = descriptorPath(fd);
      if (itself === undefined) return beginning(fd, maxBytes);
      const readable = openSync(itself, constants.O_RDONLY | constants.O_NONBLOCK);
      return holding(readable, () => beginning(readable, maxBytes));
    });
  } catch {
    return undefined;
  }
}

function holding<T>(fd: number, work: (fd: number) => T): T {
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

function placeOf(fd: number, path: string, { dev, ino }: Stats): string {
  const itself = descriptorPath(fd);
  if (itself !== undefined) return readlinkSync(itself);
  const real = realpathSync.native(path);
  const now = statSync(real);
  if (now.dev !== dev || now.ino !== ino) throw new Error(`${path} changed meanwhile`);
  return real;
}

/** As much as one read takes. */
const chunkBytes = 65_536;

function beginning(fd: number, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  for (let left = maxBytes; left > 0;) {
    const chunk = Buffer.alloc(Math.min(left, chunkBytes));
    const count = readSync(fd, chunk);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    left -= count;
  }
  return Buffer.concat(chunks);
}
