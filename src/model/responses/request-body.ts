import type { ModelRequest } from "../port.ts";

/** The JSON body of a streaming `POST …/responses` (OpenAI Responses API); nothing is kept by the endpoint. */
export function requestBody(request: ModelRequest): Record<string, unknown> {
  const reasoning = {
    ...(request.effort === null ? {} : { effort: request.effort }),
    ...(request.summary === "none" ? {} : { summary: request.summary ?? "auto" }),
  };
  const reasons = Object.keys(reasoning).length > 0;
  return {
    model: request.model,
    ...(request.instructions === "" ? {} : { instructions: request.instructions }),
    input: request.input,
    tools: request.tools,
    tool_choice: "auto",
    parallel_tool_calls: true,
    ...(reasons ? { reasoning, include: ["reasoning.encrypted_content"] } : {}),
    store: false,
    stream: true,
    prompt_cache_key: request.threadId,
    ...(request.isFlexible ? { service_tier: "flex" } : {}),
    ...textFormat(request.outputSchema),
    client_metadata: { thread_id: request.threadId, turn_id: request.turnId },
  };
}

const textFormat = (schema: unknown): Record<string, unknown> =>
  schema === null || schema === undefined
    ? {}
    : {
        text: {
          format: { type: "json_schema", name: "codex_output_schema", strict: true, schema },
        },
      };
