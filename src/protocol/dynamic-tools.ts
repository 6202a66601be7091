import { z } from "zod";

/** A function that a client offers the agent; its `inputSchema` is a JSON schema. */
export const DynamicToolFunction = z.looseObject({
  type: z.literal("function"),
  name: z.string(),
  description: z.string(),
  inputSchema: z.unknown(),
  /** Not shown to the model before it looks for it. */
  deferLoading: z.boolean().optional(),
});
export type DynamicToolFunction = z.infer<typeof DynamicToolFunction>;

/** A tool that a client offers the agents of a thread. */
export const DynamicTool = z.discriminatedUnion("type", [
  DynamicToolFunction,
  z.looseObject({
    type: z.literal("namespace"),
    name: z.string(),
    description: z.string(),
    tools: z.array(DynamicToolFunction),
  }),
]);
export type DynamicTool = z.infer<typeof DynamicTool>;

export const DynamicToolContent = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("inputText"), text: z.string() }),
  z.looseObject({ type: z.literal("inputImage"), imageUrl: z.string() }),
  z.looseObject({ type: z.literal("inputAudio"), audioUrl: z.string() }),
]);

export const DynamicToolResult = z.looseObject({
  contentItems: z.array(DynamicToolContent),
  success: z.boolean(),
});
export type DynamicToolResult = z.infer<typeof DynamicToolResult>;
