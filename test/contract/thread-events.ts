import { profileOfPolicy } from "../../src/permissions/legacy-policy.ts";
import { ItemId, ThreadId, TurnId } from "../../src/protocol/ids.ts";
import { StoreError } from "../../src/store/port.ts";
import type { HistoryEvent, ThreadMeta, ThreadStore, TurnSettings } from "../../src/store/port.ts";
import { uuidV7 } from "../../src/util/uuid-v7.ts";

export function metaOf(more: Partial<ThreadMeta>): ThreadMeta {
  const id = more.id ?? ThreadId.parse(uuidV7());
  return {
    id,
    sessionId: id,
    forkedFromId: null,
    createdAtMs: Date.parse("2026-03-01T09:00:00.123Z"),
    cwd: "/srv/work",
    originator: "test",
    cliVersion: "0.169.0",
    source: "vscode",
    threadSource: null,
    modelProvider: "mock",
    baseInstructions: null,
    historyMode: "paginated",
    gitInfo: { sha: "abc", branch: "main", originUrl: null },
    ...more,
  };
}

export const settings: TurnSettings = {
  cwd: "/srv/work",
  model: "mock-model",
  modelProvider: "mock",
  effort: "high",
  summary: "auto",
  approvalPolicy: "on-request",
  permissionProfile: profileOfPolicy({ type: "readOnly", networkAccess: false }),
};

const tokens = {
  totalTokens: 130,
  inputTokens: 100,
  cachedInputTokens: 20,
  cacheWriteInputTokens: 0,
  outputTokens: 30,
  reasoningOutputTokens: 5,
};

/** A whole turn: one message from a person, one answer. */
export function turnOf(
  text: string,
  startedAtMs = 1_772_355_600_000,
): (HistoryEvent & { readonly turnId: TurnId })[] {
  const turnId = TurnId.parse(uuidV7());
  const times = { startedAtMs: startedAtMs + 1, completedAtMs: startedAtMs + 2 };
  return [
    { kind: "turnStarted", turnId, startedAtMs },
    { kind: "turnSettings", turnId, settings },
    {
      kind: "modelItem",
      turnId,
      item: { type: "message", role: "user", content: [{ type: "input_text", text }] },
    },
    {
      kind: "itemCompleted",
      turnId,
      item: {
        type: "userMessage",
        id: ItemId.parse(uuidV7()),
        clientId: null,
        content: [{ type: "text", text, text_elements: [] }],
        ...times,
      },
    },
    {
      kind: "itemCompleted",
      turnId,
      item: {
        type: "agentMessage",
        moderation: null,
        id: ItemId.parse("msg_1"),
        text: `answer to ${text}`,
        phase: null,
        memoryCitation: null,
        delivery: null,
        questions: null,
        ...times,
      },
    },
    {
      kind: "modelItem",
      turnId,
      item: {
        type: "message",
        id: "msg_1",
        role: "assistant",
        content: [{ type: "output_text", text: `answer to ${text}` }],
      },
    },
    {
      kind: "tokenUsage",
      turnId,
      usage: { total: tokens, last: tokens, modelContextWindow: 1000 },
    },
    {
      kind: "turnEnded",
      turnId,
      status: "completed",
      startedAtMs,
      completedAtMs: startedAtMs + 5000,
      lastAgentMessage: `answer to ${text}`,
    },
  ];
}

/** The kind of `StoreError` with which a call is refused. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "none";
  } catch (error) {
    if (error instanceof StoreError) return error.kind;
    throw error;
  }
}

/** A thread with these turns, closed, and the ids of its turns. */
export async function threadIn(
  store: ThreadStore,
  more: Partial<ThreadMeta>,
  ...texts: string[]
): Promise<{ readonly id: ThreadId; readonly turnIds: readonly TurnId[] }> {
  const meta = metaOf(more);
  const writer = store.create(meta);
  for (const text of texts) await writer.append(turnOf(text));
  await writer.close();
  const turnIds = (await store.load(meta.id)).turns.map(({ id }) => id);
  return { id: meta.id, turnIds };
}
