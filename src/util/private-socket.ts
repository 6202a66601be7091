/**
 * A server on a Unix socket that only its owner may open. The file's mode is its only guard, so folder and
 * file are checked and set before anyone can connect, and two servers never share one.
 */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";

/** sockaddr_un: 108 bytes on Linux and 104 on macOS, the closing zero included. */
const maxPathBytes = process.platform === "darwin" ? 103 : 107;

/** How a refusal goes on after what is wrong. */
export interface SocketAdvice {
  /** What the socket is, for example `the control socket`. */
  readonly what: string;
  readonly tooLong: string;
  readonly foreignFolder: string;
  /** Somebody answers on `path`. */
  readonly taken: (path: string) => string;
}

/** Listens on `path` with mode 0600, in a folder of 0700. Rejects with a sentence when that cannot be had. */
export async function listenPrivately(
  server: Server,
  path: string,
  advice: SocketAdvice,
  folderOf: (path: string, advice: SocketAdvice) => void = ownFolder,
): Promise<void> {
  const bytes = Buffer.byteLength(path);
  if (bytes > maxPathBytes) {
    throw new Error(
      `the path of ${advice.what} is too long (${bytes} bytes, at most ${maxPathBytes}): ${advice.tooLong}`,
    );
  }
  folderOf(path, advice);
  await removeStale(path, advice);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
  chmodSync(path, 0o600);
}

/** Makes the folder, or takes it away from group and others: it is the program's own. */
export function ownFolder(path: string, advice: SocketAdvice): void {
  const mode = folderMode(path, advice);
  if ((mode & 0o077) !== 0) chmodSync(dirname(path), 0o700);
}

/** Makes the folder, or refuses one that others may enter: it is somebody's choice and may hold more. */
export function chosenFolder(path: string, advice: SocketAdvice): void {
  if ((folderMode(path, advice) & 0o077) === 0) return;
  throw new Error(
    `${dirname(path)} is open to others, who could take over ${advice.what}: \`chmod 700\` it, or choose a folder of your own`,
  );
}

function folderMode(path: string, { what, foreignFolder }: SocketAdvice): number {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  if (process.getuid && uid !== process.getuid()) {
    throw new Error(
      `${folder} belongs to another user, who could take over ${what}: ${foreignFolder}`,
    );
  }
  return mode;
}

/** A socket file that nobody answers on was left by a program that died. */
async function removeStale(path: string, { taken }: SocketAdvice): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) {
    throw new Error(`${path} is in the way and is not a socket: move it aside`);
  }
  if (await answers(path)) throw new Error(taken(path));
  unlinkSync(path);
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(false);
      else reject(error);
    });
  });
