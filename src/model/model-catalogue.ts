/** The models that OpenAI's endpoint offers to coding agents, as far as they are known by name. */
import type { ModelListing } from "./port.ts";

type Effort = ModelListing["efforts"][number];

const EFFORTS: readonly Effort[] = [
  { effort: "low", description: "Answers quickly and thinks little" },
  { effort: "medium", description: "A middle way for everyday tasks" },
  { effort: "high", description: "Thinks longer about hard problems" },
  { effort: "xhigh", description: "Thinks much longer about hard problems" },
  { effort: "max", description: "Thinks as long as it may" },
  { effort: "ultra", description: "Thinks as long as it may and delegates on its own" },
];

const row = (
  id: string,
  displayName: string,
  description: string,
  defaultEffort: string,
  strongestEffort: string,
  hidden = false,
): ModelListing => ({
  id,
  displayName,
  description,
  efforts: EFFORTS.slice(0, EFFORTS.findIndex(({ effort }) => effort === strongestEffort) + 1),
  defaultEffort,
  isDefault: false,
  hidden,
  inputModalities: ["text", "image"],
});

/** In the order in which they are listed; the first is the default. */
export const OPENAI_MODELS: readonly ModelListing[] = [
  row("gpt-6.1-sol", "GPT-6.1-Sol", "For coding and everyday work.", "low", "ultra"),
  row("gpt-6-astra", "GPT-6-Astra", "The strongest, for the hardest work.", "low", "ultra"),
  row("gpt-6-sol", "GPT-6-Sol", "For coding, one generation back.", "medium", "ultra"),
  row("gpt-6-luna", "GPT-6-Luna", "Quick and cheap, for easier tasks.", "medium", "max"),
  row("gpt-5.6-sol", "GPT-5.6-Sol", "For coding, an older generation.", "low", "ultra"),
  row("gpt-6.1-terra", "GPT-6.1 Terra", "A coding model.", "low", "ultra"),
  row("gpt-5.6-terra", "GPT-5.6-Terra", "For simple work, an older generation.", "medium", "ultra"),
  row("gpt-5.6-luna", "GPT-5.6-Luna", "Quick, an older generation.", "medium", "max"),
  row("gpt-5.5", "GPT-5.5", "A coding model of an earlier series.", "medium", "xhigh"),
  row(
    "codex-auto-review",
    "Codex Auto Review",
    "Reviews approvals; not meant for conversations.",
    "medium",
    "max",
    true,
  ),
];

export const DEFAULT_OPENAI_MODEL = "gpt-6.1-sol";

/** The row of a model that is known by its name alone. */
export const plainListing = (
  id: string,
  displayName: string,
  description: string,
): ModelListing => ({
  id,
  displayName,
  description,
  efforts: [{ effort: "medium", description: "The model's own way" }],
  defaultEffort: "medium",
  isDefault: false,
  hidden: false,
  inputModalities: ["text"],
});
