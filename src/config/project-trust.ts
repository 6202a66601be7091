/** Which folder a project's trust hangs on, and what the configuration says of it. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { TrustLevel } from "./port.ts";

type Projects = ReadonlyMap<string, TrustLevel>;

/** A trust level, and the folder that it was given to. */
export interface TrustEntry {
  readonly folder: string;
  readonly level: TrustLevel;
}

/** The first of `folders` that has a level, under its own name or its real one. */
export function trustOf(projects: Projects, folders: readonly string[]): TrustEntry | undefined {
  for (const folder of folders) {
    for (const name of new Set([folder, realFolder(folder)])) {
      const level = projects.get(name);
      if (level !== undefined) return { folder: name, level };
    }
  }
  return undefined;
}

/** `cwd` and the folders above it, up to the first that holds one of `markers`; where none does, `cwd` alone. Innermost first. */
export function projectFolders(cwd: string, markers: readonly string[]): readonly string[] {
  const folders: string[] = [];
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    folders.push(folder);
    if (markers.some((marker) => statOf(join(folder, marker)) !== undefined)) return folders;
    if (folder === dirname(folder)) return [resolve(cwd)];
  }
}

/**
 * The root of the git repository that `cwd` is in; of a linked worktree, the main one's. A worktree counts as such only if the
 * repository knows it too: what a folder says of itself must not lend it the trust of another.
 */
export function repositoryRoot(cwd: string): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const link = join(folder, ".git");
    const found = statOf(link);
    if (found?.isDirectory()) return folder;
    if (found?.isFile()) return mainFolder(link) ?? folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** The folder whose level a new trust decision changes. */
export const trustTarget = (cwd: string): string => realFolder(repositoryRoot(cwd) ?? resolve(cwd));

/** Every folder whose level counts for work in `cwd`, the nearest first. */
export const trustFolders = (cwd: string, markers: readonly string[]): readonly string[] => {
  const root = projectFolders(cwd, markers).at(-1);
  const repository = repositoryRoot(cwd);
  return [resolve(cwd), ...(root === undefined ? [] : [root]), ...(repository ? [repository] : [])];
};

/** gitrepository-layout(5): `.git` names `…/.git/worktrees/ID`, whose `gitdir` names `.git` again and whose `commondir` leads to the main one. */
function mainFolder(link: string): string | undefined {
  const named = /^gitdir: (.+)$/m.exec(textOf(link) ?? "")?.[1]?.trim();
  if (named === undefined) return undefined;
  const gitDir = resolve(dirname(link), named);
  const back = textOf(join(gitDir, "gitdir"))?.trim();
  const common = textOf(join(gitDir, "commondir"))?.trim();
  if (back === undefined || common === undefined) return undefined;
  if (realFolder(resolve(gitDir, back)) !== realFolder(link)) return undefined;
  const main = resolve(gitDir, common);
  return basename(main) === ".git" ? dirname(main) : undefined;
}

/** The path without symbolic links, as far as it exists. */
export function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realFolder(parent), basename(path));
  }
}

/** What may not be looked at is not there. */
function statOf(path: string): ReturnType<typeof statSync> {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
