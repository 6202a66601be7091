/** A rollout named by its path: only one that lies in the sessions folders, after symbolic links too. */
import { realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve } from "node:path";
import type { ThreadId } from "../../protocol/ids.ts";
import { StoreError } from "../port.ts";
import type { EntryLookup } from "./entry-lookup.ts";
import { threadOfFile } from "./rollout-path.ts";
import type { RolloutFolders } from "./rollout-path.ts";
import { storeFailure } from "./store-failure.ts";

export interface RolloutAtParts {
  /** Relative paths count from here. */
  readonly codexHome: string;
  readonly folders: RolloutFolders;
  readonly lookup: EntryLookup;
}

const badPath = (message: string): StoreError => new StoreError("badPath", message);
const strange = (path: string): StoreError =>
  badPath(`rollout path \`${path}\` must be in Codex home directory`);

/** Rejects with `StoreError`: `badPath`, or `corrupt` for a file that is no rollout. */
export async function rolloutAt(
  { codexHome, folders, lookup }: RolloutAtParts,
  path: string,
): Promise<ThreadId> {
  const asked = resolve(codexHome, path);
  const named = [folders.sessions, folders.archived];
  const real = await realPaths(named);
  // Of what lies elsewhere nobody learns whether it exists.
  if (![...named, ...real].some((folder) => holds(folder, asked))) throw strange(asked);
  const file = await existing(asked);
  if (!real.some((folder) => holds(folder, file))) throw strange(asked);
  const id = threadOfFile(file);
  if (id === undefined) {
    throw badPath(`rollout path \`${asked}\` is not named as rollouts are: rollout-TIME-ID.jsonl`);
  }
  const entry = await lookup.find(id).catch((error: unknown) => {
    throw storeFailure(error, "look for the thread");
  });
  if (entry === undefined) {
    throw new StoreError(
      "corrupt",
      `failed to read thread: thread-store internal error: failed to read session metadata ${asked}: rollout at ${asked} is empty`,
    );
  }
  const [current] = await realPaths([entry.record.path]);
  if (current === file) return id;
  throw badPath(
    `rollout path \`${asked}\` is not the one of thread ${id} any more, which is \`${entry.record.path}\``,
  );
}

const holds = (folder: string, path: string): boolean => {
  const below = relative(folder, path);
  return below !== "" && !below.startsWith("..") && !isAbsolute(below);
};

/** Those that exist. */
const realPaths = async (paths: readonly string[]): Promise<readonly string[]> =>
  (await Promise.all(paths.map((path) => realpath(path).catch(() => [])))).flat();

async function existing(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  const fault = found === undefined ? "file does not exist" : "path is a directory";
  if (found?.isFile() !== true) {
    throw badPath(`failed to resolve rollout path \`${path}\`: ${fault}`);
  }
  return realpath(path);
}
