import { OPENAI_MODELS } from "./model-catalogue.ts";
import type { ModelMetadata } from "./port.ts";

/** What Codex assumes of a model that it does not know: 95 % of 272,000 tokens. */
const FALLBACK_CONTEXT_WINDOW = 258_400;

/** What is known of a model of a Responses endpoint; names that begin with `gpt-` count as known. */
export function modelMetadata(model: string): ModelMetadata {
  const row = OPENAI_MODELS.find(({ id }) => id === model);
  const known = row !== undefined || model.startsWith("gpt-");
  return {
    contextWindow: FALLBACK_CONTEXT_WINDOW,
    known,
    offersPatchTool: known,
    defaultEffort: row?.defaultEffort ?? null,
  };
}
