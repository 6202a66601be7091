/** Finding rollouts on the disk, and what the index keeps of one. */
import { access, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ThreadRecord } from "../port.ts";
import { HeadReader } from "../rollout/head.ts";
import type { RolloutHead } from "../rollout/head.ts";
import { codeOf } from "./store-failure.ts";
import {
  dayOfFile,
  isFurther,
  isLater,
  isUnfinished,
  latestFiles,
  segmentOfFile,
  threadOfFile,
} from "./rollout-path.ts";
import type { RolloutFolders } from "./rollout-path.ts";
import { maxBases, readLines } from "./rollout-reader.ts";
import type { IndexEntry } from "./thread-index.ts";

/** Names of a folder, newest first (they begin with the time); none where it does not exist. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).toSorted().toReversed();
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

/**
 * Every rollout, day by day, newest first, then the archived ones. `unfinished` is told of the files
 * in which forks are written before they are one; folders of days before `since` are left out.
 */
export async function* rolloutFiles(
  folders: RolloutFolders,
  unfinished: (path: string) => void = () => {},
  since = "",
): AsyncGenerator<string[]> {
  const rolloutsIn = async (folder: string): Promise<string[]> => {
    const paths = (await namesIn(folder)).map((name) => join(folder, name));
    paths.filter(isUnfinished).forEach(unfinished);
    return paths.filter((path) => threadOfFile(path) !== undefined);
  };
  for (const year of await namesIn(folders.sessions)) {
    for (const month of await namesIn(join(folders.sessions, year))) {
      if (`${year}-${month}` < since.slice(0, 7)) break;
      for (const day of await namesIn(join(folders.sessions, year, month))) {
        if (`${year}-${month}-${day}` < since) break;
        yield await rolloutsIn(join(folders.sessions, year, month, day));
      }
    }
  }
  yield await rolloutsIn(folders.archived);
}

/** The thread's last file by its name, or undefined. */
export async function locate(folders: RolloutFolders, id: string): Promise<string | undefined> {
  for await (const paths of rolloutFiles(folders)) {
    const found = paths.filter((path) => threadOfFile(path) === id.toLowerCase());
    if (found.length > 0) return latestFiles(found)[0];
  }
  return undefined;
}

/** The file that others lean on by this name. */
export async function locateSegment(
  folders: RolloutFolders,
  segment: string,
): Promise<string | undefined> {
  for await (const paths of rolloutFiles(folders)) {
    const found = paths.find((path) => segmentOfFile(path) === segment.toLowerCase());
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A file in which another program went on with the thread after a revert, made after this one. */
export async function laterFile(
  folders: RolloutFolders,
  path: string,
): Promise<string | undefined> {
  const id = threadOfFile(path);
  for await (const paths of rolloutFiles(folders, undefined, dayOfFile(path))) {
    const found = paths.filter((other) => threadOfFile(other) === id && isLater(other, path));
    if (found.length > 0) return latestFiles(found)[0];
  }
  return undefined;
}

/** The thread's files before this one. */
export async function earlierFiles(folders: RolloutFolders, path: string): Promise<string[]> {
  const id = threadOfFile(path);
  if (!isFurther(path)) return [];
  const earlier: string[] = [];
  for await (const paths of rolloutFiles(folders)) {
    earlier.push(...paths.filter((other) => threadOfFile(other) === id && other !== path));
  }
  return earlier;
}

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The instructions and a first message with its pictures, which stands in two lines. */
const maxHeadBytes = 64 * 1024 * 1024;
/** One read holds the head of nearly every file. */
const headReadBytes = 64 * 1024;

async function headOf(
  path: string,
  mtimeMs: number,
  maxBytes = maxHeadBytes,
): Promise<RolloutHead | undefined> {
  const reader = new HeadReader(mtimeMs);
  for await (const lines of readLines(path, Math.min(maxBytes, maxHeadBytes), headReadBytes)) {
    if (!reader.add(lines)) break;
  }
  return reader.head;
}

/** What the person wrote first may lie in the file that a fork leans on. */
async function previewOf(head: RolloutHead, look: EntryParts, depth = 0): Promise<string> {
  const path = head.base && depth < maxBases ? await look.pathOf(head.base.threadId) : undefined;
  if (head.base === undefined || path === undefined) return head.preview;
  const before = await headOf(path, 0, head.base.endOffset).catch(() => undefined);
  return (before && (await previewOf(before, look, depth + 1))) || head.preview;
}

export interface EntryParts {
  readonly folders: RolloutFolders;
  /** What people call a thread. */
  name(id: string): string | null;
  /** Of a thread that names none. */
  standardProvider(): string;
  /** The file of another thread. */
  pathOf(id: string): Promise<string | undefined>;
}

/** The entry of one file; undefined where the file names no thread. */
export async function readEntry(path: string, look: EntryParts): Promise<IndexEntry | undefined> {
  const id = threadOfFile(path);
  const { mtimeMs, size } = await stat(path);
  const head = id === undefined ? undefined : await headOf(path, mtimeMs);
  if (id === undefined || head === undefined) return undefined;
  const updatedAtMs = Math.floor(mtimeMs);
  const record: ThreadRecord & { path: string } = {
    updatedAtMs,
    recencyAtMs: updatedAtMs,
    preview: await previewOf(head, look),
    name: look.name(id),
    archived: path.startsWith(look.folders.archived),
    model: head.model,
    effort: head.effort,
    path,
    ...head.meta,
    modelProvider: head.meta.modelProvider || look.standardProvider(),
    id,
    baseInstructions: null,
  };
  return { record, mtimeMs: updatedAtMs, size };
}
