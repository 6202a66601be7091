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
  const outputs = outputsOf(items);
  return items.flatMap((item) => {
    const callId = item["call_id"];
    if (typeof callId !== "string") return [item];
    if (isOutput(item)) return [];
    const output = outputs.get(item);
    if (output) return [item, output];
    const type = outputTypes[item.type];
    return type ? [item, { type, call_id: callId, output: "aborted before it was done" }] : [item];
  });
}

/** Call -> output. Endpoints may use an id again, so an output belongs to the latest call of its id. */
function outputsOf(items: readonly ModelItem[]): ReadonlyMap<ModelItem, ModelItem> {
  const calls = new Map<string, ModelItem>();
  const outputs = new Map<ModelItem, ModelItem>();
  for (const item of items) {
    const callId = item["call_id"];
    if (typeof callId !== "string") continue;
    const call = calls.get(callId);
    if (!isOutput(item)) calls.set(callId, item);
    else if (call) outputs.set(call, item);
  }
  return outputs;
}

const isOutput = ({ type }: ModelItem): boolean => type.endsWith("_call_output");
