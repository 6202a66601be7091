/** A model endpoint that speaks the OpenAI Responses API over streaming HTTP. */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Accounts } from "../../accounts/port.ts";
import type { ProviderConfig } from "../../config/port.ts";
import { unlessAborted } from "../../util/unless-aborted.ts";
import { modelMetadata } from "../model-metadata.ts";
import { ModelError } from "../port.ts";
import type {
  ModelMetadata,
  ModelOutcome,
  ModelProvider,
  ModelRequest,
  ModelSink,
} from "../port.ts";
import { Exchange } from "./exchange.ts";
import { providerHeaders, responsesUrl } from "./provider-endpoint.ts";
import type { Environment } from "./provider-endpoint.ts";
import { requestBody } from "./request-body.ts";
import { retryDelayMs, retryLimit } from "./retry-delay.ts";

export interface ResponsesProviderOptions {
  readonly config: ProviderConfig;
  readonly accounts: Accounts;
  readonly env: Environment;
}

export class ResponsesProvider implements ModelProvider {
  readonly id: string;
  readonly name: string;
  readonly #config: ProviderConfig;
  readonly #accounts: Accounts;
  readonly #env: Environment;
  #agent: HttpAgent | undefined;

  constructor({ config, accounts, env }: ResponsesProviderOptions) {
    this.id = config.id;
    this.name = config.name;
    this.#config = config;
    this.#accounts = accounts;
    this.#env = env;
  }

  metadata(model: string): ModelMetadata {
    return modelMetadata(model);
  }

  async stream(request: ModelRequest, sink: ModelSink, signal: AbortSignal): Promise<ModelOutcome> {
    signal.throwIfAborted();
    const url = responsesUrl(this.#config);
    const credentials = await unlessAborted(this.#credentials(), signal);
    return new Promise((resolve, reject) => {
      const body = Buffer.from(JSON.stringify(requestBody(request)));
      const headers = {
        ...providerHeaders(this.#config, credentials, this.#env),
        accept: "text/event-stream",
        "content-type": "application/json",
        "content-length": String(body.length),
        "user-agent": "farhelm",
        originator: "farhelm",
        "session-id": request.threadId,
        "thread-id": request.threadId,
      };
      const exchange = new Exchange(
        { url, body, options: { method: "POST", headers, agent: this.#agentFor(url) } },
        { providerId: this.id, idleTimeoutMs: this.#config.streamIdleTimeoutMs },
        sink,
        signal,
        (result) => (result instanceof Error ? reject(result) : resolve(result)),
        reject,
      );
      exchange.start();
    });
  }

  retryDelayMs(attempt: number, error: ModelError): number | undefined {
    return retryDelayMs(attempt, error, this.#config);
  }

  retryLimit(error: ModelError): number | null {
    return retryLimit(error, this.#config);
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent?.destroy();
  }

  async #credentials(): Promise<Readonly<Record<string, string>>> {
    try {
      return await this.#accounts.headersFor(this.#config);
    } catch (error) {
      const message = error instanceof Error ? error.message : "No credentials were found.";
      throw new ModelError("final", message, "other", { cause: error });
    }
  }

  #agentFor(url: URL): HttpAgent {
    const options = { keepAlive: true, noDelay: true, scheduling: "lifo" as const };
    this.#agent ??= url.protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
    return this.#agent;
  }
}
