/** Where rollouts lie: `sessions/YYYY/MM/DD/rollout-TIME-ID.jsonl`, and flat in `archived_sessions`. */
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

/** The file of a new thread; its folders and name say the local time. */
export function newRolloutPath(folders: RolloutFolders, id: string, createdAtMs: number): string {
  const at = new Date(createdAtMs);
  const [year, month, day] = [String(at.getFullYear()), two(at.getMonth() + 1), two(at.getDate())];
  const time = `${two(at.getHours())}-${two(at.getMinutes())}-${two(at.getSeconds())}`;
  return join(
    folders.sessions,
    year,
    month,
    day,
    `rollout-${year}-${month}-${day}T${time}-${id}.jsonl`,
  );
}

const fileName =
  /^rollout-(?<date>\d{4}-\d{2}-\d{2})T\d{2}-\d{2}-\d{2}-(?<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.jsonl$/i;

/** The thread whose rollout a file is, by its name. */
export function threadOfFile(path: string): ThreadId | undefined {
  const id = fileName.exec(basename(path))?.groups?.["id"];
  return id === undefined ? undefined : ThreadId.parse(id.toLowerCase());
}

export const archivedPath = (folders: RolloutFolders, path: string): string =>
  join(folders.archived, basename(path));

/** Back to the day folder that the name tells. */
export function unarchivedPath(folders: RolloutFolders, path: string): string {
  const [year, month, day] = (fileName.exec(basename(path))?.groups?.["date"] ?? "").split("-");
  return join(folders.sessions, year ?? "", month ?? "", day ?? "", basename(path));
}

const unfinishedEnd = ".new";

/** Where a file is written that has to be whole from its first moment. */
export const unfinishedPath = (path: string): string => `${path}${unfinishedEnd}`;

export const isUnfinished = (path: string): boolean =>
  path.endsWith(unfinishedEnd) && threadOfFile(path.slice(0, -unfinishedEnd.length)) !== undefined;
