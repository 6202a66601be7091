import { realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isInside } from "../permissions/path-access.ts";
import type { GitInfo } from "../protocol/thread.ts";
import { readSmallFile } from "../util/small-file.ts";

/** HEAD, a ref, `commondir`: a line with a name or a path in it. */
const maxLineBytes = 8_192;
const maxConfigBytes = 256 * 1_024;
/** A hundred thousand refs. */
const maxPackedBytes = 8 * 1_024 * 1_024;
/** As long as one part of a name can be where git keeps it as a file. */
const maxBranchLength = 255;
const maxUrlLength = 2_048;

/**
 * The commit, branch and origin of the checkout around `cwd`, read from its files; null outside one. Whoever works in the
 * checkout may have written them: what does not look like a commit, a branch or an address is none, and no
 * symbolic link leads to another file.
 */
export async function readGitInfo(cwd: string): Promise<GitInfo | null> {
  const gitDir = await findGitDir(cwd);
  if (!gitDir) return null;
  const common = await readText(gitDir, "commondir", maxLineBytes);
  const commonDir = common ? resolve(gitDir, common.trim()) : gitDir;
  const head = (await readText(gitDir, "HEAD", maxLineBytes))?.trim() ?? "";
  const ref = head.startsWith("ref: ") ? head.slice(5) : undefined;
  const isGood = ref !== undefined && isGoodRef(ref);
  const config = (await readText(commonDir, "config", maxConfigBytes)) ?? "";
  return {
    sha: ref === undefined ? shaOf(head) : isGood ? await readRef(commonDir, ref) : null,
    branch: isGood && ref.startsWith(branches) ? ref.slice(branches.length) : null,
    originUrl: originOf(config),
  };
}

const branches = "refs/heads/";

async function findGitDir(cwd: string): Promise<string | undefined> {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const path = join(folder, ".git");
    const found = await stat(path).catch(() => undefined);
    // an empty one is no repository to git either: sandboxes put such folders there for a while
    if (found?.isDirectory() && (await stat(join(path, "HEAD")).catch(() => undefined)))
      return path;
    if (found?.isFile()) {
      const text = await readText(folder, ".git", maxLineBytes);
      const link = /^gitdir: (.+)$/m.exec(text ?? "")?.[1];
      return link === undefined ? undefined : resolve(folder, link.trim());
    }
    if (dirname(folder) === folder) return undefined;
  }
}

/** Part of what git asks of a name (git-check-ref-format), and no way out of the repository. */
const isGoodRef = (ref: string): boolean =>
  ref.startsWith("refs/") &&
  ref.length <= branches.length + maxBranchLength &&
  !/[\p{Cc}\s]|\.\./u.test(ref);

async function readRef(commonDir: string, ref: string): Promise<string | null> {
  const loose = await readText(commonDir, ref, maxLineBytes);
  if (loose) return shaOf(loose.trim());
  const packed = (await readText(commonDir, "packed-refs", maxPackedBytes)) ?? "";
  const line = packed.split("\n").find((entry) => entry.endsWith(` ${ref}`));
  return shaOf(line?.split(" ")[0] ?? "");
}

/** SHA-1 or SHA-256. */
const shaOf = (text: string): string | null =>
  /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(text) ? text : null;

function originOf(config: string): string | null {
  const section = /^\[remote "origin"\]\s*\n((?:(?!\[).*\n?)*)/m.exec(config)?.[1] ?? "";
  const url = /^\s*url\s*=\s*(.+)$/m.exec(section)?.[1]?.trim() ?? "";
  return url === "" || url.length > maxUrlLength || /\p{Cc}/u.test(url) ? null : url;
}

/** A file that is really in the folder, under this name. */
async function readText(
  folder: string,
  name: string,
  maxBytes: number,
): Promise<string | undefined> {
  const real = await realpath(folder).catch(() => undefined);
  if (real === undefined) return undefined;
  const admits = (place: string): boolean => isInside(real, place);
  return readSmallFile(join(real, name), { maxBytes, admits })?.toString();
}
