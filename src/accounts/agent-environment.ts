/** Where an agent identity is verified and registered: OpenAI's two environments, or one's own backend. */
import { LoginError } from "./login-error.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Addresses without a trailing slash. */
export interface AgentEnvironment {
  readonly jwksUrl: string;
  readonly authApiBaseUrl: string;
}

export const JWKS_BASE = "CODEX_AGENT_IDENTITY_JWKS_BASE_URL";
export const AUTHAPI_BASE = "CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL";

const PRODUCTION = "https://auth.openai.com/api/accounts";
const STAGING = "https://auth.api.openai.org/api/accounts";
const OPENAI_PATHS = new Set(["/", "/codex", "/backend-api", "/backend-api/codex"]);

/**
 * As the stock client decides: with OpenAI's `chatgpt_base_url` each variable replaces its address;
 * another base is accepted when the first variable repeats it and the second is set.
 * Throws `LoginError`.
 */
export function agentEnvironment(chatgptBaseUrl: string, env: Environment): AgentEnvironment {
  const base = trimmed(chatgptBaseUrl);
  const jwksBase = trimmed(env[JWKS_BASE] ?? "");
  const authApiBase = trimmed(env[AUTHAPI_BASE] ?? "");
  const known = openaiAuthApi(base);
  if (known === undefined && (jwksBase !== base || authApiBase === ""))
    throw new LoginError(
      "Agent Identity only supports production and staging ChatGPT environments",
      `For a backend of your own set ${JWKS_BASE} to the same address as chatgpt_base_url in config.toml and ` +
        `${AUTHAPI_BASE} to the address at which tasks are registered, and start the host again.`,
    );
  return {
    jwksUrl: jwksUrl(checked(jwksBase || base, jwksBase ? JWKS_BASE : "chatgpt_base_url")),
    authApiBaseUrl: checked(authApiBase || (known ?? ""), AUTHAPI_BASE),
  };
}

/** Whether secrets may travel there: encrypted, or not leaving this machine. */
export function isSafeAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password } = new URL(address);
  if (username !== "" || password !== "") return false;
  if (protocol === "https:") return true;
  return protocol === "http:" && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

const trimmed = (address: string): string => address.trim().replace(/\/+$/, "");

function openaiAuthApi(base: string): string | undefined {
  if (!URL.canParse(base)) return undefined;
  const { protocol, hostname, pathname } = new URL(base);
  if (protocol !== "https:" || !OPENAI_PATHS.has(pathname)) return undefined;
  if (/(?:^|\.)chatgpt\.com$/.test(hostname) || hostname === "chat.openai.com") return PRODUCTION;
  return /(?:^|\.)chatgpt-staging\.com$/.test(hostname) ? STAGING : undefined;
}

const jwksUrl = (base: string): string =>
  `${base}${base.includes("/backend-api") ? "/wham" : ""}/agent-identities/jwks`;

function checked(address: string, name: string): string {
  if (isSafeAddress(address) && !/[?#]/.test(address)) return address;
  throw new LoginError(
    `${name} is not an https address, nor http on this machine`,
    "An agent identity is verified and registered over nothing else; correct it and start the host again.",
  );
}
