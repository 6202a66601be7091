/** Items as the `item_completed` events of a rollout spell them. */
import { OtherItem, ThreadItem } from "../../protocol/item.ts";
import { unreachable } from "../../util/unreachable.ts";
import { decodeChanges, encodeChanges } from "./change-coding.ts";
import { decodeCommandMembers, encodeCommandMembers } from "./command-coding.ts";
import { fileUrlOf, pathOfFileUrl } from "./file-url.ts";
import { decodeInput, encodeInput } from "./input-coding.ts";
import {
  camelMembers,
  camelName,
  camelValue,
  listOf,
  numberOf,
  recordOf,
  snakeMembers,
  snakeName,
  snakeValue,
  textOf,
  textsOf,
} from "./members.ts";
import type { Json } from "./members.ts";

/** Whether a decoded item has the shape that the protocol asks for. */
export const isThreadItem = (value: Json): value is ThreadItem =>
  isPlainMessage(value) || ThreadItem.safeParse(value).success;

/** Most items are words: what `decodeMembers` took over unseen is looked at here, ten times as fast as by the schema. */
function isPlainMessage(item: Json): boolean {
  if (typeof item["id"] !== "string") return false;
  if (item["type"] === "agentMessage") return item["questions"] === null;
  return item["type"] === "userMessage" && listOf(item["content"]).every(isPlainText);
}

function isPlainText(part: unknown): boolean {
  const { type, text, text_elements: elements } = recordOf(part);
  return type === "text" && typeof text === "string" && listOf(elements).length === 0;
}

const optional = (name: string, value: unknown): Json =>
  value === null || value === undefined ? {} : { [name]: value };

/** Whether this version makes no items of the kind and only keeps them. */
export const isOtherItem = (item: ThreadItem): item is OtherItem =>
  OtherItem.shape.type.safeParse(item.type).success;

function encodeOther(item: OtherItem): Json {
  const { type, startedAtMs: _started, completedAtMs: _completed, ...rest } = item;
  return { type: pascal(type), ...snakeMembers(rest) };
}

/** The item in the file's form, without its times, which the event around it carries. */
export function encodeItem(item: ThreadItem): Json {
  if (isOtherItem(item)) return encodeOther(item);
  switch (item.type) {
    case "userMessage":
      return {
        type: "UserMessage",
        id: item.id,
        ...optional("client_id", item.clientId),
        content: encodeInput(item.content),
      };
    case "agentMessage":
      return {
        type: "AgentMessage",
        id: item.id,
        content: [{ type: "Text", text: item.text }],
        ...optional("phase", item.phase),
        ...optional("memory_citation", snakeValue(item.memoryCitation)),
      };
    case "reasoning":
      return {
        type: "Reasoning",
        id: item.id,
        summary_text: item.summary,
        raw_content: item.content,
      };
    case "commandExecution":
      return { type: "CommandExecution", id: item.id, ...encodeCommandMembers(item, true) };
    case "fileChange":
      return {
        type: "FileChange",
        id: item.id,
        changes: encodeChanges(item.changes),
        status: snakeName(item.status),
      };
    case "imageView":
      return { type: "ImageView", id: item.id, path: fileUrlOf(item.path) };
    default:
      return unreachable(item);
  }
}

const pascal = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

function decodeMembers(item: Json): Json {
  const { id } = item;
  switch (item["type"]) {
    case "UserMessage":
      return {
        type: "userMessage",
        id,
        clientId: textOf(item["client_id"]),
        content: decodeInput(item["content"]),
      };
    case "AgentMessage":
      return {
        type: "agentMessage",
        moderation: null,
        id,
        text: listOf(item["content"])
          .map((part) => textOf(recordOf(part)["text"]) ?? "")
          .join(""),
        phase: textOf(item["phase"]),
        memoryCitation: camelValue(item["memory_citation"] ?? null),
        delivery: item["delivery"] ?? null,
        questions: item["questions"] ?? null,
      };
    case "Reasoning":
      return {
        type: "reasoning",
        id,
        summary: textsOf(item["summary_text"]),
        content: textsOf(item["raw_content"]),
      };
    case "CommandExecution":
      return decodeCommandMembers(id, item);
    case "FileChange":
      return {
        type: "fileChange",
        id,
        changes: decodeChanges(item["changes"]),
        status: camelName(textOf(item["status"]) ?? "completed"),
      };
    case "ImageView":
      return { type: "imageView", id, path: pathOfFileUrl(textOf(item["path"]) ?? "") };
    default: {
      const { type, ...rest } = item;
      const name = textOf(type) ?? "";
      return { type: name.charAt(0).toLowerCase() + name.slice(1), ...camelMembers(rest) };
    }
  }
}

/** The item of an `item_completed` event, or undefined where this version cannot show it. */
export function decodeItem(event: Json): ThreadItem | undefined {
  const item = {
    startedAtMs: numberOf(event["started_at_ms"]),
    completedAtMs: numberOf(event["completed_at_ms"]),
    ...decodeMembers(recordOf(event["item"])),
  };
  return isThreadItem(item) ? item : undefined;
}
