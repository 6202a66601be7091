/** Tools that clients offer: described to the model like the host's own, run by the client. */
import type {
  DynamicTool,
  DynamicToolFunction,
  DynamicToolResult,
} from "../protocol/dynamic-tools.ts";
import { ItemId } from "../protocol/ids.ts";
import type { OtherItem } from "../protocol/item.ts";
import type { ToolSpec } from "../model/port.ts";
import { isRecord } from "../util/is-record.ts";
import { unreachable } from "../util/unreachable.ts";
import type { ToolCall, ToolContext, ToolOutput } from "./port.ts";
import { CallError } from "./tool-arguments.ts";

/** What is shown to the model from the start; deferred tools are not. */
export const dynamicSpecs = (tools: readonly DynamicTool[]): readonly ToolSpec[] =>
  tools.flatMap((tool) => {
    if (tool.type === "function") return tool.deferLoading ? [] : [functionSpec(tool)];
    const shown = tool.tools.filter(({ deferLoading }) => !deferLoading).map(functionSpec);
    const { type, name, description } = tool;
    return shown.length > 0 ? [{ type, name, description, tools: shown }] : [];
  });

const functionSpec = ({ name, description, inputSchema }: DynamicToolFunction): ToolSpec => ({
  type: "function",
  name,
  description,
  strict: false,
  parameters: isRecord(inputSchema) ? inputSchema : {},
});

/** Whether a client of the thread offers what is called. */
export function isDynamic(tools: readonly DynamicTool[], { name, namespace }: ToolCall): boolean {
  return tools.some((tool) =>
    tool.type === "function"
      ? namespace === null && tool.name === name
      : tool.name === namespace && tool.tools.some((each) => each.name === name),
  );
}

/** Asks the clients of the thread; an answer that makes no sense fails the call, not the turn. */
export async function runDynamicTool(call: ToolCall, context: ToolContext): Promise<ToolOutput> {
  const input = parsedArguments(call.arguments);
  const startedAtMs = Date.now();
  const item: OtherItem = {
    type: "dynamicToolCall",
    id: ItemId.parse(call.callId),
    namespace: call.namespace,
    tool: call.name,
    arguments: input,
    status: "inProgress",
    contentItems: null,
    success: null,
    durationMs: null,
    startedAtMs,
    completedAtMs: null,
  };
  context.itemStarted(item);
  const result = (await context.askClient(call, input)) ?? failed;
  const completedAtMs = Date.now();
  await context.itemCompleted({
    ...item,
    status: result.success ? "completed" : "failed",
    contentItems: result.contentItems,
    success: result.success,
    durationMs: completedAtMs - startedAtMs,
    completedAtMs,
  });
  context.signal.throwIfAborted();
  return { output: outputOf(result) };
}

const failed: DynamicToolResult = {
  contentItems: [{ type: "inputText", text: "dynamic tool request failed" }],
  success: false,
};

function outputOf({ contentItems }: DynamicToolResult): ToolOutput["output"] {
  const [first] = contentItems;
  if (contentItems.length === 1 && first?.type === "inputText") return first.text;
  return contentItems.map((part) => {
    switch (part.type) {
      case "inputText":
        return { type: "input_text", text: part.text };
      case "inputImage":
        return { type: "input_image", image_url: part.imageUrl };
      case "inputAudio":
        return { type: "input_text", text: "[audio cannot be sent to this model]" };
      default:
        return unreachable(part);
    }
  });
}

function parsedArguments(text: string): unknown {
  try {
    return JSON.parse(text === "" ? "{}" : text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CallError(`failed to parse function arguments: ${why}`);
  }
}
