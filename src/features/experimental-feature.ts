import { z } from "zod";
import { ConfigError } from "../config/port.ts";
import type { FeatureListing } from "../config/port.ts";
import type { Context } from "../dispatch/context.ts";
import { method } from "../dispatch/define.ts";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import { PageLimit } from "./page-params.ts";
import { parseThreadId } from "./thread-id.ts";

const Feature = z.object({
  name: z.string(),
  stage: z.enum(["beta", "underDevelopment", "stable", "deprecated", "removed"]),
  displayName: z.string().nullable(),
  description: z.string().nullable(),
  announcement: z.string().nullable(),
  enabled: z.boolean(),
  defaultEnabled: z.boolean(),
});

export const experimentalFeatureList = method({
  name: "experimentalFeature/list",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({
    cursor: z.string().nullish(),
    limit: PageLimit,
    /** A thread in memory: its project's configuration counts too. */
    threadId: z.string().nullish(),
  }),
  result: z.object({ data: z.array(Feature), nextCursor: z.string().nullable() }),
  async handle(context, { cursor, limit, threadId }) {
    const listed = await featuresFor(context, threadId);
    const start = startOf(cursor, listed.length);
    const end = Math.min(start + Math.max(limit ?? listed.length, 1), listed.length);
    return {
      data: listed.slice(start, end).map((feature) => ({ ...feature, announcement: null })),
      nextCursor: end < listed.length ? String(end) : null,
    };
  },
});

export const experimentalFeatureEnablementSet = method({
  name: "experimentalFeature/enablement/set",
  stability: "stable",
  role: "admin",
  params: z.looseObject({ enablement: z.record(z.string(), z.boolean()) }),
  /** Those that were taken. */
  result: z.object({ enablement: z.record(z.string(), z.boolean()) }),
  handle: ({ config }, { enablement }) => ({
    enablement: { ...config.switchFeatures(enablement) },
  }),
});

export const collaborationModeList = method({
  name: "collaborationMode/list",
  stability: "experimental",
  role: "viewer",
  reach: "open",
  params: z.looseObject({}),
  result: z.object({
    data: z.array(
      z.object({
        name: z.string(),
        mode: z.enum(["plan", "default"]),
        model: z.string().nullable(),
        reasoning_effort: z.string().nullable(),
      }),
    ),
  }),
  handle: () => ({
    data: [
      { name: "Plan", mode: "plan" as const, model: null, reasoning_effort: "medium" },
      { name: "Default", mode: "default" as const, model: null, reasoning_effort: null },
    ],
  }),
});

async function featuresFor(
  { config, threads }: Context,
  threadId: string | null | undefined,
): Promise<readonly FeatureListing[]> {
  const cwd = threadId ? await folderOf(threads, threadId) : undefined;
  try {
    return config.features(cwd);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new RpcError("internal", `failed to reload config: ${error.message}`, { cause: error });
  }
}

async function folderOf(threads: Context["threads"], threadId: string): Promise<string> {
  const id = parseThreadId(threadId);
  if (!threads.isLoaded(id)) throw invalidRequest(`thread not found: ${id}`);
  return (await threads.read(id, false)).cwd;
}

function startOf(cursor: string | null | undefined, count: number): number {
  if (cursor === null || cursor === undefined) return 0;
  if (!/^\d{1,9}$/.test(cursor)) throw invalidRequest(`invalid cursor: ${cursor}`);
  if (Number(cursor) > count)
    throw invalidRequest(`cursor ${cursor} exceeds total feature flags ${count}`);
  return Number(cursor);
}
