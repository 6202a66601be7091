/** Items of the model endpoint's form that a client puts into a conversation: checked so far that the endpoint takes them. */
import { invalidRequest } from "../protocol/errors.ts";
import type { RpcError } from "../protocol/errors.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import { isRecord } from "../util/is-record.ts";

type Kind = "string" | "sequence" | "any";

/** What items of a type must have, in the order in which it is missed. */
const members: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  message: { role: "string", content: "sequence" },
  agent_message: { author: "any" },
  function_call: { name: "string", arguments: "string", call_id: "string" },
  function_call_output: { output: "any" },
  custom_tool_call: { call_id: "string", name: "string", input: "string" },
  custom_tool_call_output: { call_id: "string", output: "any" },
  reasoning: { summary: "sequence" },
  local_shell_call: { status: "any", action: "any" },
  tool_search_call: { execution: "any" },
  compaction: { encrypted_content: "string" },
  image_generation_call: { status: "any" },
};

const textParts: ReadonlySet<unknown> = new Set(["input_text", "output_text"]);
const otherParts: ReadonlySet<unknown> = new Set(["input_image", "input_audio"]);

/** `index`: its place among the items of the call. Throws `RpcError`. */
export function injectedItem(item: unknown, index: number): ModelItem {
  const fault = faultIn(item);
  if (fault !== undefined) throw refused(index, fault);
  if (!isModelItem(item)) throw refused(index, missing("type"));
  return item;
}

const refused = (index: number, fault: string): RpcError =>
  invalidRequest(`items[${index}] is not a valid response item: ${fault}`);

const isModelItem = (item: unknown): item is ModelItem =>
  isRecord(item) && typeof item["type"] === "string";

const missing = (member: string): string => `missing field \`${member}\``;
const wrong = (value: unknown, expected: string): string =>
  `invalid type: ${shown(value)}, expected ${expected}`;

function faultIn(item: unknown): string | undefined {
  if (Array.isArray(item)) return missing("type");
  if (!isRecord(item)) return wrong(item, "internally tagged enum ResponseItem");
  const { type } = item;
  if (type === undefined) return missing("type");
  if (typeof type !== "string") return `invalid type: ${kindOf(type)}, expected variant identifier`;
  for (const [member, kind] of Object.entries(members[type] ?? {})) {
    const fault = memberFault(item, member, kind);
    if (fault !== undefined) return fault;
  }
  return type === "message" ? partsFault(item["content"]) : undefined;
}

function memberFault(
  item: Readonly<Record<string, unknown>>,
  member: string,
  kind: Kind,
): string | undefined {
  const value = item[member];
  if (value === undefined) return missing(member);
  if (kind === "string" && typeof value !== "string") return wrong(value, "a string");
  if (kind === "sequence" && !Array.isArray(value)) return wrong(value, "a sequence");
  return undefined;
}

function partsFault(parts: unknown): string | undefined {
  const list: readonly unknown[] = Array.isArray(parts) ? parts : [];
  for (const part of list) {
    if (!isRecord(part)) return wrong(part, "internally tagged enum ContentItem");
    const { type, text } = part;
    if (type === undefined) return missing("type");
    if (textParts.has(type)) {
      if (text === undefined) return missing("text");
      if (typeof text !== "string") return wrong(text, "a string");
    } else if (!otherParts.has(type)) {
      return `unknown variant \`${typeof type === "string" ? type : kindOf(type)}\`, expected one of \`input_text\`, \`input_image\`, \`input_audio\`, \`output_text\``;
    }
  }
  return undefined;
}

const kindOf = (value: unknown): string => {
  if (value === null) return "null";
  if (Array.isArray(value)) return "sequence";
  return typeof value === "object" ? "map" : typeof value;
};

function shown(value: unknown): string {
  if (typeof value === "string") return `string ${JSON.stringify(value)}`;
  if (typeof value === "boolean") return `boolean \`${value}\``;
  if (typeof value !== "number") return kindOf(value);
  return `${Number.isInteger(value) ? "integer" : "floating point"} \`${value}\``;
}
