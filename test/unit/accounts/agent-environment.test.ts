import { describe, expect, it } from "vitest";
import { agentEnvironment } from "../../../src/accounts/agent-environment.ts";
import { LoginError } from "../../../src/accounts/login-error.ts";

const production = "https://auth.openai.com/api/accounts";
const staging = "https://auth.api.openai.org/api/accounts";

/** Both variables for a backend at `base`, as its owner has to set them. */
const own = (base: string, authApi = "http://127.0.0.1:7000/auth"): Record<string, string> => ({
  CODEX_AGENT_IDENTITY_JWKS_BASE_URL: base,
  CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL: authApi,
});

describe("OpenAI's environments", () => {
  it.each([
    ["https://chatgpt.com/backend-api/", "/backend-api/wham/agent-identities/jwks", production],
    ["https://chatgpt.com", "/agent-identities/jwks", production],
    ["https://chatgpt.com/codex", "/codex/agent-identities/jwks", production],
    [
      "https://chatgpt.com/backend-api/codex",
      "/backend-api/codex/wham/agent-identities/jwks",
      production,
    ],
    ["https://chatgpt-staging.com/backend-api", "/backend-api/wham/agent-identities/jwks", staging],
  ])("%s", (base, path, authApiBaseUrl) => {
    expect(agentEnvironment(base, {})).toEqual({
      jwksUrl: `${new URL(base).origin}${path}`,
      authApiBaseUrl,
    });
  });

  it("each variable replaces its own address", () => {
    const base = "https://chatgpt.com/backend-api";
    expect(
      agentEnvironment(base, { CODEX_AGENT_IDENTITY_JWKS_BASE_URL: "http://[::1]:7/k" }),
    ).toEqual({ jwksUrl: "http://[::1]:7/k/agent-identities/jwks", authApiBaseUrl: production });
    expect(
      agentEnvironment(base, { CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL: "http://localhost:7/" }),
    ).toEqual({
      jwksUrl: "https://chatgpt.com/backend-api/wham/agent-identities/jwks",
      authApiBaseUrl: "http://localhost:7",
    });
  });
});

describe("another backend", () => {
  it.each([
    ["http://127.0.0.1:7000/backend-api/", "/backend-api/wham/agent-identities/jwks"],
    ["http://127.0.0.1:7000/api/codex", "/api/codex/agent-identities/jwks"],
    ["http://127.0.0.1:7000", "/agent-identities/jwks"],
  ])("%s, when both variables say so", (base, path) => {
    expect(agentEnvironment(base, own(`${base}/`))).toEqual({
      jwksUrl: `http://127.0.0.1:7000${path}`,
      authApiBaseUrl: "http://127.0.0.1:7000/auth",
    });
  });

  const base = "https://hub.example.com/backend-api";
  it.each([
    ["without the variables", base, {}],
    ["without the address for tasks", base, { CODEX_AGENT_IDENTITY_JWKS_BASE_URL: base }],
    ["with a key set elsewhere", base, own("https://other.example.com")],
    ["that looks like OpenAI's", "https://chatgpt.com.example.com/backend-api", {}],
    ["at another path of OpenAI's", "https://chatgpt.com/other", {}],
    ["OpenAI's without encryption", "http://chatgpt.com/backend-api", {}],
  ])("is refused with what to set: %s", (_what, address, env) => {
    expect(() => agentEnvironment(address, env)).toThrow(
      new LoginError(
        "Agent Identity only supports production and staging ChatGPT environments",
        "For a backend of your own set CODEX_AGENT_IDENTITY_JWKS_BASE_URL to the same address as chatgpt_base_url in config.toml and CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL to the address at which tasks are registered, and start the host again.",
      ),
    );
  });

  it.each([
    [
      "http://10.0.0.7/backend-api",
      own("http://10.0.0.7/backend-api"),
      "CODEX_AGENT_IDENTITY_JWKS_BASE_URL",
    ],
    [base, own(base, "http://10.0.0.7/auth"), "CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL"],
    [base, own(base, "https://u:p@hub.example.com"), "CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL"],
    [base, own(base, "file:///auth"), "CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL"],
  ])("is refused over an open network: %s", (address, env, name) => {
    expect(() => agentEnvironment(address, env)).toThrow(
      `${name} is not an https address, nor http on this machine`,
    );
  });
});
