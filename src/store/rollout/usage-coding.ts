/** Token counts as a rollout's `token_count` events spell them. */
import type { ThreadTokenUsage, TokenUsageBreakdown } from "../../protocol/turn.ts";
import { isRecord, numberOf, recordOf } from "./members.ts";
import type { Json } from "./members.ts";

const encodeBreakdown = (usage: TokenUsageBreakdown): Json => ({
  input_tokens: usage.inputTokens,
  cached_input_tokens: usage.cachedInputTokens,
  cache_write_input_tokens: usage.cacheWriteInputTokens,
  output_tokens: usage.outputTokens,
  reasoning_output_tokens: usage.reasoningOutputTokens,
  total_tokens: usage.totalTokens,
});

function decodeBreakdown(stored: unknown): TokenUsageBreakdown {
  const usage = recordOf(stored);
  const count = (member: string): number => numberOf(usage[member]) ?? 0;
  return {
    totalTokens: count("total_tokens"),
    inputTokens: count("input_tokens"),
    cachedInputTokens: count("cached_input_tokens"),
    cacheWriteInputTokens: count("cache_write_input_tokens"),
    outputTokens: count("output_tokens"),
    reasoningOutputTokens: count("reasoning_output_tokens"),
  };
}

export const encodeTokenCount = (usage: ThreadTokenUsage): Json => ({
  type: "token_count",
  info: {
    total_token_usage: encodeBreakdown(usage.total),
    last_token_usage: encodeBreakdown(usage.last),
    model_context_window: usage.modelContextWindow,
  },
  rate_limits: null,
});

/** Undefined for an event that counts nothing. */
export function decodeTokenCount(event: Json): ThreadTokenUsage | undefined {
  const info = event["info"];
  if (!isRecord(info)) return undefined;
  return {
    total: decodeBreakdown(info["total_token_usage"]),
    last: decodeBreakdown(info["last_token_usage"]),
    modelContextWindow: numberOf(info["model_context_window"]),
  };
}
