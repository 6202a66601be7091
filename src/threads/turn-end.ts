import type { ModelError } from "../model/port.ts";
import type { AgentMessageItem } from "../protocol/item.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import type { ThreadTokenUsage, TokenUsageBreakdown, Turn, TurnError } from "../protocol/turn.ts";
import { StoreError } from "../store/port.ts";
import { isRecord } from "../util/is-record.ts";

const none: TokenUsageBreakdown = {
  totalTokens: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  outputTokens: 0,
  reasoningOutputTokens: 0,
};

/** The thread's usage after one more response; an endpoint that counts nothing leaves it as it was. */
export function addUsage(
  before: ThreadTokenUsage | null,
  last: TokenUsageBreakdown | null,
  modelContextWindow: number,
): ThreadTokenUsage {
  const total = before?.total ?? none;
  if (!last) return { total, last: before?.last ?? none, modelContextWindow };
  return {
    total: {
      totalTokens: total.totalTokens + last.totalTokens,
      inputTokens: total.inputTokens + last.inputTokens,
      cachedInputTokens: total.cachedInputTokens + last.cachedInputTokens,
      cacheWriteInputTokens: total.cacheWriteInputTokens + last.cacheWriteInputTokens,
      outputTokens: total.outputTokens + last.outputTokens,
      reasoningOutputTokens: total.reasoningOutputTokens + last.reasoningOutputTokens,
    },
    last,
    modelContextWindow,
  };
}

/** Four bytes are taken for a token. */
const bytesPerToken = 4;

/** The usage after the conversation was replaced: how full the context is now can only be guessed. */
export function estimatedUsage(
  before: ThreadTokenUsage | null,
  items: readonly ModelItem[],
  modelContextWindow: number,
): ThreadTokenUsage {
  const bytes = items.reduce((sum, item) => sum + JSON.stringify(item).length, 0);
  return {
    total: before?.total ?? none,
    last: { ...none, totalTokens: Math.ceil(bytes / bytesPerToken) },
    modelContextWindow,
  };
}

/** What the model endpoint's failure is to clients. */
export const turnErrorOf = (error: ModelError): TurnError => ({
  message: error.message,
  codexErrorInfo: error.info,
  additionalDetails: error.details,
  misalignment: null,
});

/**
 * What clients are told while the turn tries again by itself: which try of how many this is, with
 * the failure as a detail. `limit` null: it goes on until the endpoint can be reached.
 */
export const retryNoticeOf = (
  error: ModelError,
  attempt: number,
  limit: number | null,
): TurnError => ({
  message:
    limit === null ? "Reconnecting... waiting for network" : `Reconnecting... ${attempt}/${limit}`,
  codexErrorInfo: { responseStreamDisconnected: { httpStatusCode: statusIn(error.info) } },
  additionalDetails: error.message,
  misalignment: null,
});

/** The HTTP status in an error info such as `{responseTooManyFailedAttempts: {httpStatusCode}}`. */
function statusIn(info: ModelError["info"]): number | null {
  if (!isRecord(info)) return null;
  const [detail] = Object.values(info);
  const status = isRecord(detail) ? detail["httpStatusCode"] : undefined;
  return typeof status === "number" ? status : null;
}

/** A failure on this side of the wire. */
export const localTurnError = (error: unknown): TurnError => ({
  message:
    error instanceof StoreError
      ? error.message
      : "Something failed inside the host; its log says more. The thread can go on.",
  codexErrorInfo: "other",
  additionalDetails: null,
  misalignment: null,
});

/** The turn as turn/completed tells it: its last words only. */
export function summaryOf(turn: Turn): Turn {
  const said = turn.items.filter((item): item is AgentMessageItem => item.type === "agentMessage");
  return {
    ...turn,
    items: turn.status === "interrupted" ? [] : said.slice(-1),
    itemsView: turn.status === "interrupted" ? "notLoaded" : "summary",
  };
}
