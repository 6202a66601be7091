import { ItemId } from "../protocol/ids.ts";
import type { AgentMessageItem, ReasoningItem, UserMessageItem } from "../protocol/item.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import type { UserInput } from "../protocol/user-input.ts";
import { uuidV7 } from "../util/uuid-v7.ts";

/** A message of a person, as of now. */
export function userMessageItem(
  content: readonly UserInput[],
  clientId: string | null,
  nowMs: number,
): UserMessageItem {
  return {
    type: "userMessage",
    id: ItemId.parse(uuidV7()),
    clientId,
    content: [...content],
    startedAtMs: nowMs,
    completedAtMs: nowMs,
  };
}

export function agentMessageItem(
  id: string,
  text: string,
  startedAtMs: number,
  completedAtMs: number | null,
): AgentMessageItem {
  return {
    type: "agentMessage",
    moderation: null,
    id: ItemId.parse(id),
    text,
    phase: null,
    memoryCitation: null,
    delivery: null,
    questions: null,
    startedAtMs,
    completedAtMs,
  };
}

export function reasoningItem(
  id: string,
  summary: readonly string[],
  content: readonly string[],
  startedAtMs: number,
  completedAtMs: number | null,
): ReasoningItem {
  return {
    type: "reasoning",
    id: ItemId.parse(id),
    summary: [...summary],
    content: [...content],
    startedAtMs,
    completedAtMs,
  };
}

/** The joined texts of a model item's `content` or `summary` parts. */
export function textsOf(item: ModelItem, member: "content" | "summary"): readonly string[] {
  const parts = item[member];
  if (!Array.isArray(parts)) return [];
  return parts.flatMap((part: unknown) => (hasText(part) ? [part.text] : []));
}

const hasText = (part: unknown): part is { readonly text: string } =>
  typeof part === "object" && part !== null && "text" in part && typeof part.text === "string";
