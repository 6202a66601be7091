/**
 * The older form of history, in which each kind of thing has an event of its own and no id. Files
 * that began in it go on in it, so that the program that made them can read all of them.
 */
import type { ThreadItem, UserMessageItem } from "../../protocol/item.ts";
import { unreachable } from "../../util/unreachable.ts";
import { decodeChanges, encodeChanges } from "./change-coding.ts";
import { decodeCommandMembers, encodeCommandMembers } from "./command-coding.ts";
import { decodeInput } from "./input-coding.ts";
import { isOtherItem, isThreadItem } from "./item-coding.ts";
import {
  camelName,
  camelValue,
  listOf,
  snakeName,
  snakeValue,
  textOf,
  textsOf,
} from "./members.ts";
import type { Json } from "./members.ts";

const encodeUserMessage = ({ content }: UserMessageItem): Json => ({
  type: "user_message",
  message: content.map((part) => (part.type === "text" ? part.text : "")).join(""),
  images: content.flatMap((part) => (part.type === "image" ? (part.url ?? []) : [])),
  local_images: content.flatMap((part) => (part.type === "localImage" ? part.path : [])),
  text_elements: content.flatMap((part) => (part.type === "text" ? part.text_elements : [])),
});

/** The events of one item; none for a kind that the older form cannot say. */
export function encodeLegacyItem(turnId: string, item: ThreadItem): Json[] {
  if (isOtherItem(item)) {
    return item.type === "contextCompaction" ? [{ type: "context_compacted" }] : [];
  }
  switch (item.type) {
    case "userMessage":
      return [encodeUserMessage(item)];
    case "agentMessage":
      return [
        {
          type: "agent_message",
          message: item.text,
          phase: item.phase,
          memory_citation: snakeValue(item.memoryCitation),
        },
      ];
    case "reasoning":
      return [
        ...item.summary.map((text) => ({ type: "agent_reasoning", text })),
        ...item.content.map((text) => ({ type: "agent_reasoning_raw_content", text })),
      ];
    case "commandExecution": {
      const output = item.aggregatedOutput ?? "";
      return [
        {
          type: "exec_command_end",
          call_id: item.id,
          turn_id: turnId,
          stdout: output,
          stderr: "",
          formatted_output: output,
          aggregated_output: output,
          exit_code: -1,
          duration: { secs: 0, nanos: 0 },
          ...encodeCommandMembers(item, false),
        },
      ];
    }
    case "fileChange":
      return [
        {
          type: "patch_apply_end",
          call_id: item.id,
          turn_id: turnId,
          stdout: "",
          stderr: "",
          success: item.status === "completed",
          changes: encodeChanges(item.changes),
          status: snakeName(item.status),
        },
      ];
    case "imageView":
      return [{ type: "view_image_tool_call", call_id: item.id, path: item.path }];
    default:
      return unreachable(item);
  }
}

function userMessage(event: Json, id: string): Json {
  const text = textOf(event["message"]) ?? "";
  const parts = [
    ...(text === "" ? [] : [{ type: "text", text, text_elements: listOf(event["text_elements"]) }]),
    ...textsOf(event["images"]).map((url) => ({ type: "image", image_url: url })),
    ...textsOf(event["local_images"]).map((path) => ({ type: "local_image", path })),
  ];
  return { type: "userMessage", id, clientId: null, content: decodeInput(parts) };
}

const agentMessage = (event: Json, id: string): Json => ({
  type: "agentMessage",
  moderation: null,
  id,
  text: textOf(event["message"]) ?? "",
  phase: textOf(event["phase"]),
  memoryCitation: camelValue(event["memory_citation"] ?? null),
  delivery: null,
  questions: null,
});

/** Of a command that was declined the form cannot say that it never ran: it needs an exit code. */
function commandRun(event: Json): Json {
  const item = decodeCommandMembers(event["call_id"], event);
  return item["status"] === "declined" && item["exitCode"] === -1
    ? { ...item, aggregatedOutput: null, exitCode: null, durationMs: null }
    : item;
}

function decodeMembers(event: Json, nextId: () => string): Json | undefined {
  switch (event["type"]) {
    case "user_message":
      return userMessage(event, nextId());
    case "agent_message":
      return agentMessage(event, nextId());
    case "agent_reasoning":
      return { type: "reasoning", id: nextId(), summary: [event["text"]], content: [] };
    case "agent_reasoning_raw_content":
      return { type: "reasoning", id: nextId(), summary: [], content: [event["text"]] };
    case "exec_command_end":
      return commandRun(event);
    case "patch_apply_end":
      return {
        type: "fileChange",
        id: event["call_id"],
        changes: decodeChanges(event["changes"]),
        status: camelName(
          textOf(event["status"]) ?? (event["success"] === false ? "failed" : "completed"),
        ),
      };
    case "view_image_tool_call":
      return { type: "imageView", id: event["call_id"], path: event["path"] };
    case "context_compacted":
      return { type: "contextCompaction", id: nextId() };
    default:
      return undefined;
  }
}

/**
 * The item of an older event, or undefined. `nextId` gives an id where the file holds none. A
 * reasoning event right after another continues its item: `last` is the turn's latest item.
 */
export function decodeLegacyItem(
  event: Json,
  last: ThreadItem | undefined,
  nextId: () => string,
): { readonly item: ThreadItem; readonly replacesLast: boolean } | undefined {
  const reasoning =
    event["type"] === "agent_reasoning" || event["type"] === "agent_reasoning_raw_content";
  if (reasoning && last?.type === "reasoning") {
    const more = textsOf([event["text"]]);
    const item =
      event["type"] === "agent_reasoning"
        ? { ...last, summary: [...last.summary, ...more] }
        : { ...last, content: [...last.content, ...more] };
    return { item, replacesLast: true };
  }
  const item = decodeMembers(event, nextId);
  return item && isThreadItem(item) ? { item, replacesLast: false } : undefined;
}
