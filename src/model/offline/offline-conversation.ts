/** What the offline agent reads from the conversation: the last request, and what its calls brought. */
import type { ModelItem } from "../../protocol/model-item.ts";

export interface CallResult {
  readonly name: string;
  readonly output: string;
}

export interface OfflineTask {
  /** The text of the last message by a person. */
  readonly message: string;
  /** The answered tool calls since then, in order. */
  readonly results: readonly CallResult[];
}

/** What a host puts before a conversation in the user's name. */
const PREAMBLE = /^\s*(?:# AGENTS\.md instructions|<[a-z_]+>)/;

export function taskOf(input: readonly ModelItem[]): OfflineTask {
  let message = "";
  let results: CallResult[] = [];
  const names = new Map<unknown, string>();
  for (const item of input) {
    const said = item.type === "message" && item["role"] === "user" ? textOf(item["content"]) : "";
    if (said !== "" && !PREAMBLE.test(said)) {
      message = said;
      results = [];
    }
    if (item.type === "function_call" || item.type === "custom_tool_call")
      names.set(item["call_id"], String(item["name"]));
    if (item.type === "function_call_output" || item.type === "custom_tool_call_output")
      results.push({ name: names.get(item["call_id"]) ?? "", output: textOf(item["output"]) });
  }
  return { message, results };
}

/** The text of content parts, or of plain text. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part: unknown) =>
      typeof part === "object" && part !== null && "text" in part && typeof part.text === "string"
        ? part.text
        : "",
    )
    .filter((text) => text !== "")
    .join("\n");
}
