/** Files and folders of the host. */
import { isAbsolute } from "node:path";
import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { Base64Error, bytesOfBase64 } from "./base64-bytes.ts";
import { fileAccessOf } from "./file-access.ts";
import { fsChanged } from "../protocol/connection-notifications.ts";
import { invalidRequest } from "../protocol/errors.ts";

const AbsolutePath = z.string().refine((path) => isAbsolute(path), {
  error: "a path must be absolute",
});

/** Whoever may look into files may write them: roles below are for watching what the agent does. */
const common = {
  stability: "stable",
  role: "operator",
  grantedBy: "files",
  reach: "folder",
} as const;

export const fsReadDirectory = method({
  ...common,
  name: "fs/readDirectory",
  retry: "again",
  params: z.looseObject({ path: AbsolutePath }),
  result: z.object({
    entries: z.array(
      z.object({ fileName: z.string(), isDirectory: z.boolean(), isFile: z.boolean() }),
    ),
  }),
  async handle(context, { path }) {
    return { entries: [...(await context.files.list(fileAccessOf(context), path))] };
  },
});

export const fsReadFile = method({
  ...common,
  name: "fs/readFile",
  retry: "again",
  params: z.looseObject({ path: AbsolutePath }),
  result: z.object({ dataBase64: z.string() }),
  async handle(context, { path }) {
    const data = await context.files.read(fileAccessOf(context), path);
    return { dataBase64: data.toString("base64") };
  },
});

export const fsGetMetadata = method({
  ...common,
  name: "fs/getMetadata",
  retry: "again",
  params: z.looseObject({ path: AbsolutePath }),
  result: z.object({
    isDirectory: z.boolean(),
    isFile: z.boolean(),
    isSymlink: z.boolean(),
    createdAtMs: z.number(),
    modifiedAtMs: z.number(),
  }),
  handle: (context, { path }) => context.files.facts(fileAccessOf(context), path),
});

/** SHA-256 in hex, or that there is no such file. */
const ExpectedContent = z.union([
  z.literal("absent"),
  z.string().regex(/^[0-9a-f]{64}$/, { error: "neither a SHA-256 in lower-case hex nor `absent`" }),
]);

export const fsWriteFile = method({
  ...common,
  name: "fs/writeFile",
  params: z.looseObject({
    path: AbsolutePath,
    dataBase64: z.string(),
    expectedSha256: ExpectedContent.nullish(),
  }),
  result: z.object({}),
  async handle(context, { path, dataBase64, expectedSha256 }) {
    const bytes = fileBytes(dataBase64);
    await context.files.write(fileAccessOf(context), path, bytes, expectedSha256 ?? undefined);
    return {};
  },
});

function fileBytes(dataBase64: string): Buffer {
  try {
    return bytesOfBase64(dataBase64);
  } catch (error) {
    if (!(error instanceof Base64Error)) throw error;
    throw invalidRequest(`fs/writeFile requires valid base64 dataBase64: ${error.message}`, error);
  }
}

export const fsCreateDirectory = method({
  ...common,
  name: "fs/createDirectory",
  params: z.looseObject({ path: AbsolutePath, recursive: z.boolean().nullish() }),
  result: z.object({}),
  async handle(context, { path, recursive }) {
    await context.files.createFolder(fileAccessOf(context), path, recursive ?? true);
    return {};
  },
});

export const fsRemove = method({
  ...common,
  name: "fs/remove",
  params: z.looseObject({
    path: AbsolutePath,
    recursive: z.boolean().nullish(),
    force: z.boolean().nullish(),
  }),
  result: z.object({}),
  async handle(context, { path, recursive, force }) {
    const options = { isRecursive: recursive ?? true, isForced: force ?? true };
    await context.files.remove(fileAccessOf(context), path, options);
    return {};
  },
});

export const fsCopy = method({
  ...common,
  name: "fs/copy",
  params: z.looseObject({
    sourcePath: AbsolutePath,
    destinationPath: AbsolutePath,
    recursive: z.boolean().default(false),
  }),
  result: z.object({}),
  async handle(context, { sourcePath, destinationPath, recursive }) {
    await context.files.copy(fileAccessOf(context), sourcePath, destinationPath, recursive);
    return {};
  },
});

export const fsWatch = method({
  ...common,
  name: "fs/watch",
  retry: "again",
  params: z.looseObject({ watchId: z.string(), path: AbsolutePath }),
  result: z.object({ path: z.string() }),
  async handle(context, { watchId, path }) {
    const { watches, session } = context;
    const forget = session.onClosed(() => watches.stop(session, watchId));
    try {
      const plain = await watches.start(session, watchId, fileAccessOf(context), path, {
        changed: (paths) => session.tell(fsChanged, { watchId, changedPaths: [...paths] }),
        closed: forget,
      });
      return { path: plain };
    } catch (error) {
      forget();
      throw error;
    }
  },
});

export const fsUnwatch = method({
  ...common,
  name: "fs/unwatch",
  retry: "again",
  reach: "open",
  params: z.looseObject({ watchId: z.string() }),
  result: z.object({}),
  handle({ watches, session }, { watchId }) {
    watches.stop(session, watchId);
    return {};
  },
});
