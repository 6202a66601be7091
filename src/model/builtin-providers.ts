/** The providers that need no entry in config.toml. */
import { defaultProviderLimits } from "../config/port.ts";
import type { Config, ProviderConfig } from "../config/port.ts";
import type { LocalServer } from "./local-servers.ts";

/** Whatever `chatgpt_base_url` says: that moves the other calls of the backend. */
const CODEX_BACKEND = "https://chatgpt.com/backend-api/codex";

const provider = (id: string, name: string, baseUrl: string): ProviderConfig => ({
  id,
  name,
  baseUrl,
  wireApi: "responses",
  envKey: null,
  envKeyInstructions: null,
  requiresOpenaiAuth: false,
  httpHeaders: {},
  envHttpHeaders: {},
  queryParams: {},
  ...defaultProviderLimits,
});

/**
 * `openai`, at config.toml's `openai_base_url`, else `OPENAI_BASE_URL`, else OpenAI's own address:
 * that of the Codex backend for logins that use it.
 */
export function openaiProvider(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  usesCodexBackend: boolean,
): ProviderConfig {
  const configured = config.raw["openai_base_url"];
  const fromEnv = env["OPENAI_BASE_URL"]?.trim() ?? "";
  const address =
    typeof configured === "string" && configured !== ""
      ? configured
      : fromEnv || (usesCodexBackend ? CODEX_BACKEND : "https://api.openai.com/v1");
  return {
    ...provider("openai", "OpenAI", address.replace(/\/+$/, "")),
    requiresOpenaiAuth: true,
  };
}

export const localProvider = ({ id, name, origin }: LocalServer): ProviderConfig =>
  provider(id, name, `${origin}/v1`);
