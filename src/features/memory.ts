/** Memories of threads, which the stock program makes and this host does not. */
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import { MemoryMode } from "../protocol/memory.ts";
import { parseThreadId, threadOrder } from "./thread-id.ts";

export const threadMemoryModeSet = method({
  name: "thread/memoryMode/set",
  stability: "experimental",
  role: "operator",
  params: z.looseObject({ threadId: z.string(), mode: MemoryMode }),
  result: z.object({}),
  order: threadOrder,
  async handle({ threads }, { threadId, mode }) {
    await threads.setMemoryMode(parseThreadId(threadId), mode);
    return {};
  },
});

export const threadMemoryRead = method({
  name: "thread/memory/read",
  stability: "experimental",
  role: "viewer",
  params: z.looseObject({ threadId: z.string() }),
  result: z.object({ summary: z.string().nullable() }),
  handle({ threads }, { threadId }) {
    const id = parseThreadId(threadId);
    if (!threads.isLoaded(id)) throw invalidRequest(`thread not found: ${id}`);
    return { summary: null };
  },
});

const maxThreads = 4096;

export const memoryStatus = method({
  name: "memory/status",
  stability: "experimental",
  role: "viewer",
  params: z.looseObject({ minConsolidatedThreads: z.int().min(0).max(0xffff_ffff).nullish() }),
  result: z.object({ v2ConsolidatedThreads: z.int(), v2Ready: z.boolean() }),
  handle(_context, { minConsolidatedThreads: wanted }) {
    if (typeof wanted === "number" && (wanted === 0 || wanted > maxThreads)) {
      throw new RpcError(
        "invalidParams",
        `minConsolidatedThreads must be between 1 and ${maxThreads}`,
      );
    }
    return { v2ConsolidatedThreads: 0, v2Ready: false };
  },
});

/** It removes files that the stock program made, hence the role. */
export const memoryReset = method({
  name: "memory/reset",
  stability: "experimental",
  role: "admin",
  params: z.unknown().optional(),
  result: z.object({}),
  async handle({ host }) {
    const folder = join(host.codexHome, "memories");
    const found = await lstat(folder).catch(() => undefined);
    if (found === undefined) return {};
    if (!found.isDirectory()) {
      throw new RpcError(
        "internal",
        `failed to clear memories: ${folder} is no folder. Look what it is, and remove it by hand.`,
      );
    }
    for (const name of await readdir(folder)) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
    return {};
  },
});
