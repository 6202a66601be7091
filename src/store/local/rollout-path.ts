/**
 * Where rollouts lie: `sessions/YYYY/MM/DD/rollout-TIME-ID.jsonl`, and flat in `archived_sessions`.
 * After a revert a `paginated` thread goes on in a further file, `rollout-TIME-ID_SEGMENT.jsonl`; the
 * one with the greatest segment (a UUIDv7) is the thread's, the others are kept for what leans on them.
 */
import { basename, join } from "node:path";
import { ThreadId } from "../../protocol/ids.ts";

export interface RolloutFolders {
  readonly sessions: string;
  readonly archived: string;
}

export const foldersIn = (codexHome: string): RolloutFolders => ({
  sessions: join(codexHome, "sessions"),
  archived: join(codexHome, "archived_sessions"),
});

const two = (value: number): string => String(value).padStart(2, "0");

/** The file of a new thread, or of a thread's further segment; its folders and name say the local time. */
export function newRolloutPath(
  folders: RolloutFolders,
  id: string,
  createdAtMs: number,
  segment?: string,
): string {
  const at = new Date(createdAtMs);
  const [year, month, day] = [String(at.getFullYear()), two(at.getMonth() + 1), two(at.getDate())];
  const time = `${two(at.getHours())}-${two(at.getMinutes())}-${two(at.getSeconds())}`;
  return join(
    folders.sessions,
    year,
    month,
    day,
    `rollout-${year}-${month}-${day}T${time}-${id}${segment === undefined ? "" : `_${segment}`}.jsonl`,
  );
}

const fileName =
  /^rollout-(?<date>\d{4}-\d{2}-\d{2})T\d{2}-\d{2}-\d{2}-(?<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:_(?<segment>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?\.jsonl$/i;

/** The thread whose rollout a file is, by its name. */
export function threadOfFile(path: string): ThreadId | undefined {
  const id = fileName.exec(basename(path))?.groups?.["id"];
  return id === undefined ? undefined : ThreadId.parse(id.toLowerCase());
}

/** By which other files name this one when they lean on it: its segment, or the thread of a first file. */
export function segmentOfFile(path: string): string | undefined {
  const { id, segment } = fileName.exec(basename(path))?.groups ?? {};
  return (segment ?? id)?.toLowerCase();
}

/** A thread's last file, as those name it that lean on it. */
export const fileOf = ({ id, path }: { readonly id: string; readonly path: string }) => ({
  threadId: segmentOfFile(path) ?? id,
  path,
});

/** Of each thread's files the last one; the order stays. */
export function latestFiles(paths: readonly string[]): readonly string[] {
  const latest = new Map<string, string>();
  for (const path of paths) {
    const thread = threadOfFile(path) ?? path;
    const known = latest.get(thread);
    if (known === undefined || isLater(path, known)) latest.set(thread, path);
  }
  return paths.length === latest.size ? paths : [...latest.values()];
}

const furtherSegment = (path: string): string =>
  fileName.exec(basename(path))?.groups?.["segment"]?.toLowerCase() ?? "";

/** Whether the first of two files of one thread was made after the other one. */
export const isLater = (path: string, than: string): boolean =>
  furtherSegment(path) > furtherSegment(than);

/** Whether the file is not the one that the thread began with. */
export const isFurther = (path: string): boolean => furtherSegment(path) !== "";

/** When a further file was made, Unix ms, as its name tells; 0 of a first one. */
export const segmentTimeMs = (path: string): number =>
  Number.parseInt(`0${furtherSegment(path).replace("-", "").slice(0, 12)}`, 16);

/** The day in a file's name, `YYYY-MM-DD`. */
export const dayOfFile = (path: string): string =>
  fileName.exec(basename(path))?.groups?.["date"] ?? "";

export const archivedPath = (folders: RolloutFolders, path: string): string =>
  join(folders.archived, basename(path));

/** Back to the day folder that the name tells. */
export function unarchivedPath(folders: RolloutFolders, path: string): string {
  const [year, month, day] = dayOfFile(path).split("-");
  return join(folders.sessions, year ?? "", month ?? "", day ?? "", basename(path));
}

const unfinishedEnd = ".new";

/** Where a file is written that has to be whole from its first moment. */
export const unfinishedPath = (path: string): string => `${path}${unfinishedEnd}`;

export const isUnfinished = (path: string): boolean =>
  path.endsWith(unfinishedEnd) && threadOfFile(path.slice(0, -unfinishedEnd.length)) !== undefined;
