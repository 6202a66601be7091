/**
 * Which files a caller may touch. It judges what was opened, not what was named: the path that the kernel gives
 * for an open file, and the file's identity, so that links, mounts and folders swapped meanwhile gain nothing.
 */
import type { Stats } from "node:fs";
import { lstat, realpath, stat, statfs } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { deniedRequest, type RpcError } from "../protocol/errors.ts";
import { isLinkedInto } from "../util/hard-links.ts";
import type { FileAccess } from "./port.ts";

/** PROC_SUPER_MAGIC of Linux. */
const procFileSystem = 0x9fa0;

/** Something that is open. */
interface Looked {
  /** Its path by the kernel. */
  readonly real: string;
  readonly stats: Stats;
  /** A path to the thing itself. */
  readonly at: string;
}

/** Absolute paths. */
export interface GuardedPlaces {
  /** The host's own files and folders, nobody's to touch. */
  readonly protectedPaths: readonly string[];
  readonly codexHome: string;
  readonly userHome: string;
}

export class FileGuard {
  readonly #protectedPaths: readonly string[];
  readonly #codexHome: string;
  readonly #userHome: string;

  constructor({ protectedPaths, codexHome, userHome }: GuardedPlaces) {
    this.#protectedPaths = protectedPaths.map((path) => resolve(path));
    this.#codexHome = codexHome;
    this.#userHome = userHome;
  }

  /** Something that is open; `path` is what the caller named. */
  async check(access: FileAccess, path: string, opened: Looked): Promise<void> {
    const { real } = opened;
    this.checkBounds(access, path, real, await boundsOf(access));
    const isOwn = await this.checkBelow(path, opened);
    // by identity too: a folder of the host's may be mounted, or spelled, in other ways than one
    for (let above = dirname(real); above !== dirname(above); above = dirname(above)) {
      const folder = await stat(above).catch(() => undefined);
      if (folder && isOwn(folder)) throw hostsOwn(path);
    }
  }

  /** The same for what is in a folder that was checked and is held open. */
  async checkBelow(path: string, { real, stats, at }: Looked): Promise<(file: Stats) => boolean> {
    const kept = await this.#protectedNow();
    if (isAmong(real, kept)) throw hostsOwn(path);
    const isOwn = await ownIdentities(kept);
    if (isOwn(stats)) throw hostsOwn(path);
    if (stats.isFile() && isLinkedInto(stats, kept)) throw hostsOwn(path);
    if (isInside("/proc", real) || (await isProc(at))) throw insideOfProcesses(path);
    return isOwn;
  }

  /** A name in a folder that was checked: whether what is there, or would be, is the host's own. */
  async checkName(path: string, real: string, there: Stats | undefined): Promise<void> {
    const kept = await this.#protectedNow();
    if (isAmong(real, kept)) throw hostsOwn(path);
    if (!there) return;
    const isOwn = await ownIdentities(kept);
    if (isOwn(there) || (there.isFile() && isLinkedInto(there, kept))) throw hostsOwn(path);
  }

  /** The same for a name that is about to be written, made or removed. */
  async checkChange(
    access: FileAccess,
    path: string,
    real: string,
    there: Stats | undefined,
  ): Promise<void> {
    await this.checkName(path, real, there);
    if (access.mayWriteSettings) return;
    const [codexHome, userHome] = await Promise.all([this.#codexHome, this.#userHome].map(placeOf));
    const isHidden = userHome !== undefined && real.startsWith(join(userHome, "."));
    const isSetting = /\/\.(?:git|codex)(?:\/|$)/i.test(real);
    if (isHidden || isSetting || isAmong(real, [codexHome ?? ""])) throw needsAdmin(path);
  }

  /** A folder that goes, or is copied, with all that is in it. */
  async checkWhole(path: string, real: string): Promise<void> {
    const kept = await this.#protectedNow();
    if (kept.some((own) => isInside(real, own))) throw hostsOwn(path);
  }

  /** By real paths alone, as things are now: for looking at names in very many folders. */
  async reach(access: FileAccess): Promise<(real: string) => boolean> {
    const [kept, bounds] = await Promise.all([this.#protectedNow(), boundsOf(access)]);
    return (real) =>
      !isAmong(real, kept) &&
      !isInside("/proc", real) &&
      bounds.every((folders) => folders.some((folder) => isInside(folder, real)));
  }

  /** Throws the refusal where the real path is outside of one of the bounds. */
  checkBounds(
    { bounds }: FileAccess,
    path: string,
    real: string,
    folders: readonly (readonly string[])[],
  ): void {
    for (const [index, bound] of bounds.entries()) {
      if (!folders[index]?.some((folder) => isInside(folder, real))) throw bound.refusal(path);
    }
  }

  /** The real paths as they are now, and the plain ones of what is not there yet. */
  async #protectedNow(): Promise<readonly string[]> {
    const real = await Promise.all(this.#protectedPaths.map(placeOf));
    return [...new Set([...real, ...this.#protectedPaths])];
  }
}

/** Whether a file is one of these. */
async function ownIdentities(kept: readonly string[]): Promise<(file: Stats) => boolean> {
  const own = await Promise.all(kept.map((path) => lstat(path).catch(() => undefined)));
  return ({ dev, ino }) => own.some((file) => file?.ino === ino && file.dev === dev);
}

/** Real paths of the bounds' folders; one that is not there holds nothing. */
export const boundsOf = ({ bounds }: FileAccess): Promise<readonly (readonly string[])[]> =>
  Promise.all(
    bounds.map(async ({ folders }) => {
      const real = await Promise.all(folders.map((folder) => realpath(folder).catch(() => "")));
      return real.filter((folder) => folder !== "");
    }),
  );

/** Whether `path` is the folder or lies below it; both are real paths. */
export const isInside = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

/** File systems of other systems than Linux may not tell upper and lower case apart. */
const spelled = (path: string): string =>
  process.platform === "linux" ? path : path.normalize("NFC").toLowerCase();

const isAmong = (path: string, kept: readonly string[]): boolean =>
  kept.some((own) => isInside(spelled(own), spelled(path)));

/** Where a path leads, also one that is not there while its folder is. */
async function placeOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const folder = await realpath(dirname(path)).catch(() => dirname(path));
    return join(folder, basename(path));
  }
}

async function isProc(at: string): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const { type } = await statfs(at);
  return type === procFileSystem;
}

const hostsOwn = (path: string): RpcError =>
  deniedRequest(
    "protected_path",
    `path \`${path}\` holds Farhelm's keys or logins; it is out of reach of the protocol`,
  );

const needsAdmin = (path: string): RpcError =>
  deniedRequest(
    "needs_admin",
    `path \`${path}\` is where programs look for what they shall do; changing it needs the role admin`,
  );

const insideOfProcesses = (path: string): RpcError =>
  deniedRequest(
    "protected_path",
    `path \`${path}\` shows the inside of processes, keys in their environment too; it is out of reach of the protocol`,
  );
