import type { ModelItem } from "../protocol/model-item.ts";

const outputTypes: Readonly<Record<string, string>> = {
  function_call: "function_call_output",
  custom_tool_call: "custom_tool_call_output",
};

/**
 * The conversation as an endpoint accepts it: every tool call is followed by its output, whatever
 * came between them, and a call that was cut off is given an output that says so.
 */
export function sendableHistory(items: readonly ModelItem[]): readonly ModelItem[] {
  const outputs = new Map<string, ModelItem>();
  for (const item of items) {
    const callId = item["call_id"];
    if (item.type.endsWith("_call_output") && typeof callId === "string") outputs.set(callId, item);
  }
  return items.flatMap((item) => {
    const callId = item["call_id"];
    if (typeof callId !== "string") return [item];
    if (item.type.endsWith("_call_output")) return [];
    const type = outputTypes[item.type];
    if (type === undefined) return [item];
    const output = outputs.get(callId);
    return [item, output ?? { type, call_id: callId, output: "aborted before it was done" }];
  });
}
