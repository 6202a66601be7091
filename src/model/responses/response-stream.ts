/**
 * One HTTP response read as an event stream. Work per turn of the event loop is bounded: a flood
 * from one model must not keep every other connection waiting.
 */
import type { IncomingMessage } from "node:http";
import { ModelError } from "../port.ts";
import type { ModelOutcome, ModelSink } from "../port.ts";
import { brokenStream } from "./endpoint-error.ts";
import { EventSplitter, EventTooLargeError } from "./event-splitter.ts";
import { RESPONSE_EVENTS, ResponseReader } from "./response-reader.ts";

/** How much of one stream is handled before others get their turn; between one and two reads of a socket. */
const TURN_BYTES = 96 * 1024;
const TURN_MS = 2;
/** An answer that is complete gets this long to end, so that its connection can serve again. */
const LINGER_MS = 1_000;

export class ResponseStream {
  readonly #response: IncomingMessage;
  readonly #reader: ResponseReader;
  readonly #splitter: EventSplitter;
  readonly #settle: (result: ModelOutcome | Error) => void;
  #turnBytes = 0;
  #turnStartMs = 0;
  #turnOpen = false;
  #busy = false;
  #ended = false;
  #settled = false;

  /** Calls `settle` once: with the outcome, or with what went wrong. `touched` runs with every chunk. */
  constructor(
    response: IncomingMessage,
    sink: ModelSink,
    touched: () => void,
    settle: (result: ModelOutcome | Error) => void,
  ) {
    this.#response = response;
    this.#reader = new ResponseReader(sink);
    this.#splitter = new EventSplitter(this.#reader, RESPONSE_EVENTS);
    this.#settle = settle;
    response.on("data", (chunk: Buffer) => {
      touched();
      this.#chunk(chunk);
    });
    response.on("end", () => this.#finished());
    response.on("error", (error) => this.#fail(lostConnection(error)));
    response.on("close", () => this.#fail(lostConnection(undefined)));
  }

  /** Stops without telling anyone; the connection is gone. */
  abandon(): void {
    this.#settled = true;
    this.#response.destroy();
  }

  #chunk(chunk: Buffer): void {
    if (this.#settled) return;
    if (!this.#turnOpen) this.#openTurn();
    this.#turnBytes += chunk.length;
    this.#splitter.feed(chunk);
    this.#work();
  }

  #openTurn(): void {
    this.#turnOpen = true;
    this.#turnBytes = 0;
    this.#turnStartMs = performance.now();
    setImmediate(() => {
      this.#turnOpen = false;
      if (this.#busy) this.#continue();
    });
  }

  #continue(): void {
    if (this.#settled) return;
    this.#openTurn();
    if (!this.#work()) return;
    if (this.#ended) this.#finished();
    else this.#response.resume();
  }

  /** True when the chunk is used up and more may come in this turn. */
  #work(): boolean {
    try {
      const done = this.#splitter.run(() => this.#spentTime());
      const { end } = this.#reader;
      if (end !== undefined) {
        this.#complete(end);
        return false;
      }
      this.#busy = !done || this.#turnBytes >= TURN_BYTES || this.#spentTime();
    } catch (error) {
      this.#fail(streamFault(error));
      return false;
    }
    if (this.#busy) this.#response.pause();
    return !this.#busy;
  }

  #spentTime(): boolean {
    return performance.now() - this.#turnStartMs >= TURN_MS;
  }

  #finished(): void {
    this.#ended = true;
    if (!this.#busy) this.#fail(brokenStream("stream closed before response.completed"));
  }

  #complete(end: ModelOutcome | ModelError): void {
    this.#settled = true;
    const response = this.#response;
    response.resume();
    if (!response.complete) {
      const linger = setTimeout(() => response.destroy(), LINGER_MS).unref();
      response.once("close", () => clearTimeout(linger));
    }
    this.#settle(end);
  }

  #fail(error: Error): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#response.destroy();
    this.#settle(error);
  }
}

const lostConnection = (cause: unknown): ModelError =>
  brokenStream("the connection to the model endpoint was lost", cause);

function streamFault(error: unknown): Error {
  if (error instanceof EventTooLargeError)
    return new ModelError(
      "final",
      `The model endpoint sent ${error.message}; the answer was refused. Check that base_url is a Responses API.`,
      "other",
      { cause: error },
    );
  return error instanceof Error ? error : new Error(String(error));
}
