/** Writing a file: the new one is laid down beside the old one and takes its place when it is whole. */
import { createHash, randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { link, open, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { invalidRequest, RpcError } from "../protocol/errors.ts";
import type { FileGuard } from "./file-guard.ts";
import { childStats, landingOf, type OpenedFolder, plainPath, withFolder } from "./opened.ts";
import type { ExpectedContent, FileAccess, TemporaryJournal } from "./port.ts";
import { isCode, systemError } from "./system-error.ts";

/** Less what the umask takes away. */
const newFileMode = 0o666;

/** A place that was checked: a name in an open folder, and the file that has it. */
export interface FilePlace {
  /** As the caller named it. */
  readonly path: string;
  readonly folder: OpenedFolder;
  readonly name: string;
  readonly before: Stats | undefined;
}

export class FileWriting {
  readonly #guard: FileGuard;
  readonly #journal: TemporaryJournal;
  /** The last write under way of each file. */
  readonly #writes = new Map<string, Promise<void>>();

  constructor(guard: FileGuard, journal: TemporaryJournal) {
    this.#guard = guard;
    this.#journal = journal;
  }

  async write(
    access: FileAccess,
    path: string,
    bytes: Buffer,
    expected: ExpectedContent | undefined,
  ): Promise<void> {
    const { folder, name } = await landingOf(plainPath(path));
    await withFolder(this.#guard, access, path, folder, (opened) =>
      this.#inTurn(join(opened.real, name), async () => {
        const place = await this.place(access, path, opened, name);
        await expectContent(place, expected);
        await this.layDown(
          place,
          (temporary) => writeNew(temporary, bytes, place.before),
          expected,
        );
      }),
    );
  }

  /** Whether a file may be put there. */
  async place(
    access: FileAccess,
    path: string,
    folder: OpenedFolder,
    name: string,
  ): Promise<FilePlace> {
    const before = await childStats(folder, name);
    await this.#guard.checkChange(access, path, join(folder.real, name), before);
    if (before?.isDirectory()) throw systemError("EISDIR");
    if (before?.isSymbolicLink()) throw systemError("ELOOP");
    if (before && !before.isFile()) throw invalidRequest(`path \`${path}\` is not a file`);
    return { path, folder, name, before };
  }

  /** `fill` makes the temporary file, which must not exist before. */
  async layDown(
    place: FilePlace,
    fill: (temporary: string) => Promise<void>,
    expected?: ExpectedContent,
  ): Promise<void> {
    const { folder, name } = place;
    const temporaryName = `.${randomUUID()}.tmp`;
    const temporary = folder.child(temporaryName);
    const ended = this.#journal.begin([join(folder.real, temporaryName)]);
    try {
      await fill(temporary);
      if (expected === "absent") return await takeFreePlace(place, temporary);
      if (expected !== undefined) await expectUntouched(place, expected);
      await rename(temporary, folder.child(name));
    } finally {
      await rm(temporary, { force: true });
      ended();
    }
  }

  /** One write of a file at a time, so that what one of them expects is not another one's half way. */
  async #inTurn(key: string, work: () => Promise<void>): Promise<void> {
    const before = this.#writes.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#writes.set(key, mine);
    try {
      await mine;
    } finally {
      if (this.#writes.get(key) === mine) this.#writes.delete(key);
    }
  }
}

async function writeNew(path: string, bytes: Buffer, before: Stats | undefined): Promise<void> {
  const file = await open(path, "wx", (before?.mode ?? newFileMode) & 0o7777);
  try {
    await file.writeFile(bytes);
    if (before) await asBefore(file, before);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The owner as far as the system lets us, and the mode, which is cut down by the umask at first. */
async function asBefore(file: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  const now = await file.stat();
  if (now.uid !== uid || now.gid !== gid) {
    try {
      await file.chown(uid, gid);
    } catch {
      // then it belongs to whoever wrote it
    }
  }
  await file.chmod(mode & 0o7777);
}

async function expectContent(
  place: FilePlace,
  expected: ExpectedContent | undefined,
): Promise<void> {
  if (expected === undefined) return;
  const actual = place.before ? await sha256Of(place) : undefined;
  if ((actual ?? "absent") !== expected) throw otherContent(place.path, actual);
}

/** Programs that do not ask us write, too: what was read a moment ago must still be there. */
async function expectUntouched(place: FilePlace, expected: ExpectedContent): Promise<void> {
  const now = await childStats(place.folder, place.name);
  const { before } = place;
  const isSame =
    now !== undefined &&
    now.ino === before?.ino &&
    now.size === before.size &&
    now.mtimeMs === before.mtimeMs &&
    now.ctimeMs === before.ctimeMs;
  if (!isSame) await expectContent({ ...place, before: now }, expected);
}

/** Fails where somebody else has made a file of that name. */
async function takeFreePlace(place: FilePlace, temporary: string): Promise<void> {
  const target = place.folder.child(place.name);
  try {
    await link(temporary, target);
  } catch (error) {
    if (isCode(error, "EEXIST")) throw otherContent(place.path, await sha256Of(place));
    // there are file systems without hard links
    if (!isCode(error, "EPERM", "ENOTSUP", "ENOSYS", "EMLINK")) throw error;
    await rename(temporary, target);
  }
}

async function sha256Of({ folder, name, path }: FilePlace): Promise<string> {
  const file = await open(
    folder.child(name),
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
  try {
    if (!(await file.stat()).isFile()) throw invalidRequest(`path \`${path}\` is not a file`);
    const hash = createHash("sha256");
    for await (const chunk of file.createReadStream({ autoClose: false })) hash.update(chunk);
    return hash.digest("hex");
  } finally {
    await file.close();
  }
}

const otherContent = (path: string, sha256: string | undefined): RpcError =>
  new RpcError(
    "invalidRequest",
    sha256 === undefined
      ? `path \`${path}\` is gone; nothing was written`
      : `path \`${path}\` holds other content than expected; nothing was written. Read it again`,
    { data: { reason: "content_changed", sha256: sha256 ?? null } },
  );
