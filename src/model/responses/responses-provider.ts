/** A model endpoint that speaks the OpenAI Responses API over streaming HTTP. */
import { Agent as HttpAgent, STATUS_CODES, request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Accounts } from "../../accounts/port.ts";
import type { ProviderConfig } from "../../config/port.ts";
import { modelMetadata } from "../model-metadata.ts";
import { ModelError } from "../port.ts";
import type {
  ModelMetadata,
  ModelOutcome,
  ModelProvider,
  ModelRequest,
  ModelSink,
} from "../port.ts";
import { MAX_ERROR_BODY_BYTES, brokenStream, httpError, unreachable } from "./endpoint-error.ts";
import { providerHeaders, responsesUrl, shownUrl } from "./provider-endpoint.ts";
import type { Environment } from "./provider-endpoint.ts";
import { requestBody } from "./request-body.ts";
import { ResponseStream } from "./response-stream.ts";
import { retryDelayMs, retryLimit } from "./retry-delay.ts";

/** A TCP and TLS handshake that takes longer will not come. */
const CONNECT_TIMEOUT_MS = 15_000;

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

  stream(request: ModelRequest, sink: ModelSink, signal: AbortSignal): Promise<ModelOutcome> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const url = responsesUrl(this.#config);
      const body = Buffer.from(JSON.stringify(requestBody(request)));
      const headers = {
        ...providerHeaders(this.#config, this.#bearer(), this.#env),
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

  #bearer(): string | undefined {
    try {
      return this.#accounts.bearerFor(this.#config);
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

interface ExchangeRequest {
  readonly url: URL;
  readonly body: Buffer;
  readonly options: RequestOptions;
}

interface ExchangeLimits {
  readonly providerId: string;
  readonly idleTimeoutMs: number;
}

/** One request and its answer. */
class Exchange {
  readonly #request: ExchangeRequest;
  readonly #limits: ExchangeLimits;
  readonly #sink: ModelSink;
  readonly #signal: AbortSignal;
  readonly #settle: (result: ModelOutcome | Error) => void;
  readonly #rejectWith: (reason: unknown) => void;
  readonly #idleTimer: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#aborted();
  #http: ClientRequest | undefined;
  #stream: ResponseStream | undefined;
  #answered = false;
  #done = false;

  constructor(
    request: ExchangeRequest,
    limits: ExchangeLimits,
    sink: ModelSink,
    signal: AbortSignal,
    settle: (result: ModelOutcome | Error) => void,
    rejectWith: (reason: unknown) => void,
  ) {
    this.#request = request;
    this.#limits = limits;
    this.#sink = sink;
    this.#signal = signal;
    this.#settle = settle;
    this.#rejectWith = rejectWith;
    this.#idleTimer = setTimeout(() => {
      this.#finish(brokenStream("idle timeout waiting for SSE"));
      this.#drop();
    }, limits.idleTimeoutMs);
  }

  start(mayRepeat = true): void {
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    const { url, body, options } = this.#request;
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const http = send(url, options);
    this.#http = http;
    http.setNoDelay(true);
    http.once("socket", (socket) => {
      if (!socket.connecting) return;
      const late = setTimeout(
        () => http.destroy(Object.assign(new Error("connect timeout"), { code: "ETIMEDOUT" })),
        CONNECT_TIMEOUT_MS,
      );
      socket.once("connect", () => clearTimeout(late));
      socket.once("close", () => clearTimeout(late));
    });
    http.once("response", (response) => this.#response(response));
    http.on("error", (error) => {
      if (this.#done || this.#answered) return;
      // A kept connection that the server gave up in the same moment: no request was read from it.
      if (mayRepeat && http.reusedSocket && isReset(error)) this.start(false);
      else this.#finish(unreachable(this.#limits.providerId, url, shownUrl(url), error));
    });
    http.end(body);
  }

  #response(response: IncomingMessage): void {
    this.#answered = true;
    this.#idleTimer.refresh();
    const status = response.statusCode ?? 0;
    const type = response.headers["content-type"] ?? "";
    if (status < 200 || status > 299) this.#refused(response, status);
    else if (/^(text\/html|application\/json)\b/i.test(type)) {
      response.resume();
      this.#finish(
        new ModelError(
          "final",
          `${shownUrl(this.#request.url)} answered with ${type} instead of an event stream. ` +
            `Check base_url of model provider \`${this.#limits.providerId}\` in config.toml.`,
          "other",
        ),
      );
    } else
      this.#stream = new ResponseStream(
        response,
        this.#sink,
        () => this.#idleTimer.refresh(),
        (result) => this.#finish(result),
      );
  }

  #refused(response: IncomingMessage, status: number): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const report = (): void =>
      this.#finish(
        httpError({
          status,
          statusText: STATUS_CODES[status] ?? "",
          body: Buffer.concat(chunks).toString("utf8").trim(),
          retryAfter: response.headers["retry-after"],
          url: shownUrl(this.#request.url),
        }),
      );
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_ERROR_BODY_BYTES) chunks.push(chunk);
      else response.destroy();
    });
    response.once("error", report);
    response.once("close", report);
    response.once("end", report);
  }

  #aborted(): void {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#idleTimer);
    this.#drop();
    this.#rejectWith(this.#signal.reason);
  }

  #drop(): void {
    this.#stream?.abandon();
    this.#http?.destroy();
  }

  #finish(result: ModelOutcome | Error): void {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#idleTimer);
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#settle(result);
  }
}

const isReset = (error: Error): boolean =>
  "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
