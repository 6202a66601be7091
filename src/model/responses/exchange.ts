/** One HTTP request to a model endpoint and its answer, from the first byte to the last. */
import { STATUS_CODES, request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { ModelError } from "../port.ts";
import type { ModelOutcome, ModelSink } from "../port.ts";
import { MAX_ERROR_BODY_BYTES, brokenStream, httpError, unreachable } from "./endpoint-error.ts";
import { shownUrl } from "./provider-endpoint.ts";
import { ResponseStream } from "./response-stream.ts";

/** A connection that takes longer to open will not come. */
const CONNECT_TIMEOUT_MS = 15_000;

export interface ExchangeRequest {
  readonly url: URL;
  readonly body: Buffer;
  readonly options: RequestOptions;
}

export interface ExchangeLimits {
  readonly providerId: string;
  readonly idleTimeoutMs: number;
}

export class Exchange {
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
