/** A provider of a scripted endpoint, and a request to send it. */
import { createServer } from "node:net";
import type { Accounts } from "../../src/accounts/port.ts";
import type { ProviderConfig } from "../../src/config/port.ts";
import { ModelError } from "../../src/model/port.ts";
import type { ModelRequest } from "../../src/model/port.ts";
import { ResponsesProvider } from "../../src/model/responses/responses-provider.ts";
import { fixedAccounts } from "./fixed-accounts.ts";
import { RecordingSink } from "./recording-sink.ts";

export const REQUEST: ModelRequest = {
  model: "mock-model",
  instructions: "Be brief.",
  input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] }],
  tools: [{ type: "function", name: "exec_command", description: "Runs.", parameters: {} }],
  effort: "low",
  summary: null,
  outputSchema: null,
  threadId: "thread-1",
  turnId: "turn-1",
};

/** The variable EXTRA is set in its environment. */
export const providerOf = (
  config: Partial<ProviderConfig>,
  accounts: Accounts = fixedAccounts(),
): ResponsesProvider =>
  new ResponsesProvider({
    config: {
      id: "mock",
      name: "Mock",
      baseUrl: "",
      wireApi: "responses",
      envKey: null,
      envKeyInstructions: null,
      requiresOpenaiAuth: false,
      httpHeaders: {},
      envHttpHeaders: {},
      queryParams: {},
      requestMaxRetries: 4,
      streamMaxRetries: 5,
      streamIdleTimeoutMs: 5_000,
      ...config,
    },
    accounts,
    env: { EXTRA: "from the environment" },
  });

export const never = (): AbortSignal => new AbortController().signal;

/** The error of an attempt that must fail, and its members that clients see. */
export async function failureOf(provider: ResponsesProvider) {
  try {
    await provider.stream(REQUEST, new RecordingSink(), never());
  } catch (error) {
    if (error instanceof ModelError) {
      const { phase, message, info, retryAfterMs } = error;
      return { error, seen: { phase, message, info, retryAfterMs } };
    }
    throw error;
  }
  throw new Error("the attempt did not fail");
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  return address !== null && typeof address === "object" ? address.port : 1;
}
