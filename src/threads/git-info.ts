import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { GitInfo } from "../protocol/thread.ts";

/** The commit, branch and origin of the checkout around `cwd`, read from its files; null outside one. */
export async function readGitInfo(cwd: string): Promise<GitInfo | null> {
  const gitDir = await findGitDir(cwd);
  if (!gitDir) return null;
  const common = await readText(join(gitDir, "commondir"));
  const commonDir = common ? resolve(gitDir, common.trim()) : gitDir;
  const head = (await readText(join(gitDir, "HEAD")))?.trim() ?? "";
  const ref = head.startsWith("ref: ") ? head.slice(5) : undefined;
  const sha = ref ? await readRef(commonDir, ref) : head || null;
  const config = (await readText(join(commonDir, "config"))) ?? "";
  return {
    sha,
    branch: ref?.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : null,
    originUrl: originOf(config),
  };
}

async function findGitDir(cwd: string): Promise<string | undefined> {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const path = join(folder, ".git");
    const found = await stat(path).catch(() => undefined);
    // an empty one is no repository to git either: sandboxes put such folders there for a while
    if (found?.isDirectory() && (await stat(join(path, "HEAD")).catch(() => undefined)))
      return path;
    if (found?.isFile()) {
      const link = /^gitdir: (.+)$/m.exec((await readText(path)) ?? "")?.[1];
      return link === undefined ? undefined : resolve(folder, link.trim());
    }
    if (dirname(folder) === folder) return undefined;
  }
}

async function readRef(commonDir: string, ref: string): Promise<string | null> {
  const loose = await readText(join(commonDir, ref));
  if (loose) return loose.trim();
  const packed = (await readText(join(commonDir, "packed-refs"))) ?? "";
  const line = packed.split("\n").find((entry) => entry.endsWith(` ${ref}`));
  return line?.split(" ")[0] ?? null;
}

function originOf(config: string): string | null {
  const section = /^\[remote "origin"\]\s*\n((?:(?!\[).*\n?)*)/m.exec(config)?.[1] ?? "";
  return /^\s*url\s*=\s*(.+)$/m.exec(section)?.[1]?.trim() ?? null;
}

const readText = (path: string): Promise<string | undefined> =>
  readFile(path, "utf8").catch(() => undefined);
