/** Accounts with an agent identity, and the services that it is checked and registered with. */
import { afterEach, beforeEach } from "vitest";
import { AccountsBench, openai, refusal } from "../../helpers/accounts-bench.ts";
import type { AgentBackend, BackendAnswer } from "../../helpers/agent-backend.ts";
import { identityToken, startAgentBackend } from "../../helpers/agent-backend.ts";

export const KEYS = "GET /backend-api/wham/agent-identities/jwks";
export const TASK = "POST /authapi/v1/agent/runtime-1/task/register";
export const account = {
  type: "chatgpt",
  email: "ada@example.com",
  planType: "pro",
  userId: "user-1",
};

export const CANNOT = "The agent identity in CODEX_ACCESS_TOKEN cannot be used: ";
export const ANOTHER = "Get a new one from whoever issued it.";

/** To be called once in a file: each of its tests has accounts and services of its own. */
export function useIdentityBench() {
  let bench: AccountsBench;
  let backend: AgentBackend;

  beforeEach(async () => {
    bench = new AccountsBench();
    backend = await startAgentBackend();
  });
  afterEach(async () => {
    bench.close();
    await backend.close();
  });

  const accounts = (env: Readonly<Record<string, string>> = {}) =>
    bench.accounts({ ...backend.env, ...env }, backend.baseUrl);
  const withToken = async (...token: Parameters<typeof identityToken>) =>
    accounts({ CODEX_ACCESS_TOKEN: await identityToken(...token) });
  return {
    get bench() {
      return bench;
    },
    get backend() {
      return backend;
    },
    /** For one that was closed. */
    set backend(another) {
      backend = another;
    },
    accounts,
    withToken,
    /** What is said when the key set is answered so. */
    withKeys: async (answer: BackendAnswer): Promise<string> => {
      backend.misbehave({ jwks: answer });
      const made = await withToken();
      const said = await refusal(made.headersFor(openai));
      return said.replaceAll(backend.baseUrl, "BASE");
    },
  };
}
