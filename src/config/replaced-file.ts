/** A file of the user's that is changed as a whole: another reader sees the old text or the new one, and so does who comes back after a crash. */
import { randomUUID } from "node:crypto";
import {
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** So many links lead to a file on Linux, too. */
const maxLinks = 40;

/** Puts `text` there with the mode that the file had, else 0600. A symbolic link stays one: what it names is replaced. */
export function replaceFile(path: string, text: string): void {
  const target = linkTarget(path);
  const folder = dirname(target);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  sweep(target);
  const old = statSync(target, { throwIfNoEntry: false });
  const part = join(folder, partName(target));
  try {
    const file = openSync(part, "wx", 0o600);
    try {
      writeFileSync(file, text);
      if (old) keepOwner(part, old);
      fchmodSync(file, old ? old.mode & 0o777 : 0o600);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/** Where the chain of symbolic links ends, whether or not there is a file. */
export function linkTarget(path: string): string {
  let target = resolve(path);
  for (let count = 0; count < maxLinks; count += 1) {
    const named = linkOf(target);
    if (named === undefined) return target;
    target = resolve(dirname(target), named);
  }
  throw new Error(`${path} is a symbolic link that leads to itself`);
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

const partName = (target: string): string => `.${basename(target)}.${randomUUID()}.part`;

/** What a program left that was ended in the middle. Only for who holds the lock. */
function sweep(target: string): void {
  const name = basename(target);
  for (const entry of readdirSync(dirname(target)))
    if (entry.startsWith(`.${name}.`) && /\.[\da-f-]{36}\.part$/.test(entry))
      rmSync(join(dirname(target), entry), { force: true });
}

/** Only root may, and only root need. */
function keepOwner(path: string, { uid, gid }: { readonly uid: number; readonly gid: number }) {
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
