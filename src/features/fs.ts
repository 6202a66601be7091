import { constants } from "node:fs";
import { open, readdir, realpath } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { isAbsolute, join, sep } from "node:path";
import { z } from "zod";
import type { HostFacts } from "../dispatch/context.ts";
import { isLinkedInto } from "../util/hard-links.ts";
import { method } from "../dispatch/define.ts";
import { RpcError, deniedRequest, invalidRequest } from "../protocol/errors.ts";

/** A file is answered as one message; larger ones are refused. */
const maxFileBytes = 8 * 1024 * 1024;

const AbsolutePath = z.string().refine((path) => isAbsolute(path) && !path.includes("\0"), {
  error: "a path must be absolute",
});

export const fsReadDirectory = method({
  name: "fs/readDirectory",
  stability: "stable",
  role: "operator",
  retry: "again",
  grantedBy: "files",
  reach: "folder",
  params: z.looseObject({ path: AbsolutePath }),
  result: z.object({
    entries: z.array(
      z.object({ fileName: z.string(), isDirectory: z.boolean(), isFile: z.boolean() }),
    ),
  }),
  async handle({ host }, { path }) {
    const entries = await system(async () => {
      await refuseProtected(host, path);
      return readdir(path, { withFileTypes: true });
    });
    return {
      entries: entries.map((entry) => ({
        fileName: entry.name,
        isDirectory: entry.isDirectory(),
        isFile: entry.isFile(),
      })),
    };
  },
});

export const fsReadFile = method({
  name: "fs/readFile",
  stability: "stable",
  role: "operator",
  retry: "again",
  grantedBy: "files",
  reach: "folder",
  params: z.looseObject({ path: AbsolutePath }),
  result: z.object({ dataBase64: z.string() }),
  async handle({ host }, { path }) {
    const data = await system(() => readWhole(host, path));
    return { dataBase64: data.toString("base64") };
  },
});

/** Opens first and looks then at what is open, so that a path swapped meanwhile gains nothing. */
async function readWhole(host: HostFacts, path: string): Promise<Buffer> {
  const real = await refuseProtected(host, path);
  // without waiting: opening a pipe would else hold a thread of this process until somebody writes to it
  const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    await refuseProtected(host, real);
    const stats = await file.stat();
    if (!stats.isFile()) throw invalidRequest(`path \`${path}\` is not a file`);
    if (isLinkedInto(stats, protectedIn(host))) throw keysInside(path);
    if (stats.size > maxFileBytes) throw tooLarge(path, stats.size);
    const bytes = await readUpTo(file, maxFileBytes + 1);
    if (bytes.length > maxFileBytes) throw tooLarge(path, bytes.length);
    return bytes;
  } finally {
    await file.close();
  }
}

/** A file may be longer than its size says, in /proc or while somebody writes to it. */
async function readUpTo(file: FileHandle, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of file.createReadStream({ end: maxBytes - 1, autoClose: false })) {
    const part = Buffer.from(chunk);
    chunks.push(part);
    bytes += part.length;
  }
  return Buffer.concat(chunks, bytes);
}

const tooLarge = (path: string, bytes: number): RpcError =>
  invalidRequest(
    `path \`${path}\` is ${bytes} bytes or more; at most ${maxFileBytes} can be read in one call`,
  );

const protectedIn = ({ farhelmHome, codexHome }: HostFacts): readonly string[] => [
  farhelmHome,
  join(codexHome, "auth.json"),
];

const keysInside = (path: string): RpcError =>
  deniedRequest(
    "protected_path",
    `path \`${path}\` holds Farhelm's keys or logins; it cannot be read over the protocol`,
  );

/** The host's own state and the login are nobody's to read, by whatever path. Gives the real path. */
async function refuseProtected(host: HostFacts, path: string): Promise<string> {
  const real = await realpath(path);
  const own = await Promise.all(protectedIn(host).map((kept) => realpath(kept).catch(() => kept)));
  if (own.some((kept) => real === kept || real.startsWith(kept + sep))) {
    throw keysInside(path);
  }
  if (real.startsWith("/proc/")) {
    throw deniedRequest(
      "protected_path",
      `path \`${path}\` shows the inside of processes, keys in their environment too; it cannot be read over the protocol`,
    );
  }
  return real;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "No such file or directory (os error 2)",
  EACCES: "Permission denied (os error 13)",
  ENOTDIR: "Not a directory (os error 20)",
  EISDIR: "Is a directory (os error 21)",
  ELOOP: "Too many levels of symbolic links (os error 40)",
};

async function system<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RpcError || !(error instanceof Error)) throw error;
    const code = "code" in error ? String(error.code) : "";
    throw new RpcError("internal", reasons[code] ?? `the path cannot be read (${code})`, {
      cause: error,
    });
  }
}
