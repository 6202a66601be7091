import { z } from "zod";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";
import { Thread } from "../protocol/thread.ts";
import { evenFalse } from "./experimental-params.ts";
import { parseThreadId, threadOrder } from "./thread-id.ts";

export const threadDelete = method({
  name: "thread/delete",
  stability: "stable",
  role: "operator",
  params: z.looseObject({ threadId: z.string() }),
  result: z.object({}),
  order: threadOrder,
  async handle({ threads, afterAnswer }, { threadId }) {
    const { announce } = await threads.delete(parseThreadId(threadId));
    afterAnswer(announce);
    return {};
  },
});

const Change = z.string().nullish();

export const threadMetadataUpdate = method({
  name: "thread/metadata/update",
  stability: "stable",
  role: "operator",
  experimentalParams: ["projectId", evenFalse("daybreakEnabled")],
  params: z.looseObject({
    threadId: z.string(),
    /** Left out: as it is. Null: taken away. */
    gitInfo: z.looseObject({ sha: Change, branch: Change, originUrl: Change }).nullish(),
    /** Empty: none, as always here. */
    projectId: z.string().nullish(),
    /** A choice that clients keep with the thread; null and left out: as it is. */
    daybreakEnabled: z.boolean().nullish(),
  }),
  result: z.object({ thread: Thread }),
  order: threadOrder,
  async handle({ threads }, { threadId, gitInfo, projectId, daybreakEnabled }) {
    const id = parseThreadId(threadId);
    if (projectId) throw invalidRequest(`project not found: ${projectId}`);
    const chooses = typeof daybreakEnabled === "boolean";
    if (chooses && !gitInfo) return { thread: await threads.setDaybreak(id, daybreakEnabled) };
    if (projectId === "" && !gitInfo) return { thread: await threads.setGitInfo(id, {}) };
    if (!gitInfo) {
      throw invalidRequest("thread metadata update must include at least one field");
    }
    const change = {
      sha: trimmed("sha", gitInfo.sha),
      branch: trimmed("branch", gitInfo.branch),
      originUrl: trimmed("originUrl", gitInfo.originUrl),
    };
    if (Object.values(change).every((value) => value === undefined)) {
      throw invalidRequest("gitInfo must include at least one field");
    }
    if (chooses) await threads.setDaybreak(id, daybreakEnabled);
    return { thread: await threads.setGitInfo(id, change) };
  },
});

function trimmed<T extends string | null | undefined>(name: string, value: T): T | string {
  if (typeof value !== "string") return value;
  const text = value.trim();
  if (!text) throw invalidRequest(`gitInfo.${name} must not be empty`);
  return text;
}
