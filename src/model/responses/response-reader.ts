/** Turns the events of one streamed response (OpenAI Responses API) into calls of a sink, and knows how it ended. */
import type { ModelItem } from "../../protocol/model-item.ts";
import type { TokenUsageBreakdown } from "../../protocol/turn.ts";
import { isRecord } from "../../util/is-record.ts";
import { ModelError } from "../port.ts";
import type { ModelOutcome, ModelSink } from "../port.ts";
import { brokenStream, codedError, errorFields } from "./endpoint-error.ts";
import { escapeText } from "./event-splitter.ts";
import type { EventHandler } from "./event-splitter.ts";

/** The events that `ResponseReader` acts on, text deltas aside. */
export const RESPONSE_EVENTS: ReadonlySet<string> = new Set([
  "response.created",
  "response.output_item.added",
  "response.output_item.done",
  "response.reasoning_summary_part.added",
  "response.reasoning_summary_text.delta",
  "response.reasoning_text.delta",
  "response.completed",
  "response.done",
  "response.failed",
  "response.incomplete",
  "error",
]);

type Fields = Readonly<Record<string, unknown>>;

export class ResponseReader implements EventHandler {
  readonly #sink: ModelSink;
  #responseId: string | null = null;
  #end: ModelOutcome | ModelError | undefined;

  constructor(sink: ModelSink) {
    this.#sink = sink;
  }

  /** How the response ended; undefined while it goes on. */
  get end(): ModelOutcome | ModelError | undefined {
    return this.#end;
  }

  textDelta(itemId: string, escaped: Buffer): void {
    if (this.#end === undefined) this.#sink.textDelta(itemId, escaped);
  }

  event(data: unknown): void {
    if (this.#end !== undefined || !isRecord(data)) return;
    switch (data["type"]) {
      case "response.created":
        this.#responseId = idOf(data["response"]) ?? this.#responseId;
        break;
      case "response.output_item.added":
        if (isModelItem(data["item"])) this.#sink.itemAdded(data["item"]);
        break;
      case "response.output_item.done":
        if (isModelItem(data["item"])) this.#sink.itemDone(data["item"]);
        break;
      case "response.reasoning_summary_part.added":
        this.#sink.reasoningPartAdded(text(data, "item_id"), index(data, "summary_index"));
        break;
      case "response.reasoning_summary_text.delta":
        this.#sink.reasoningDelta(
          text(data, "item_id"),
          index(data, "summary_index"),
          escapeText(text(data, "delta")),
        );
        break;
      case "response.reasoning_text.delta":
        this.#sink.reasoningTextDelta(
          text(data, "item_id"),
          index(data, "content_index"),
          escapeText(text(data, "delta")),
        );
        break;
      default:
        this.#end = this.#ending(data);
    }
  }

  #ending(data: Fields): ModelOutcome | ModelError | undefined {
    const response = isRecord(data["response"]) ? data["response"] : {};
    switch (data["type"]) {
      case "response.completed":
      case "response.done":
        return {
          responseId: idOf(response) ?? this.#responseId,
          usage: usageOf(response["usage"]),
        };
      case "response.failed":
        return failure(response["error"]);
      case "error":
        return failure(isRecord(data["error"]) ? data["error"] : data);
      case "response.incomplete": {
        const details = response["incomplete_details"];
        const reason = isRecord(details) ? text(details, "reason") : "";
        return new ModelError(
          "final",
          `Incomplete response returned, reason: ${reason === "" ? "unknown" : reason}`,
          "other",
        );
      }
      default:
        return undefined;
    }
  }
}

function failure(error: unknown): ModelError {
  const { code, type, message } = errorFields(error);
  if (code === undefined && type === undefined && message === undefined)
    return brokenStream("the endpoint reported a failure without a reason");
  return codedError(code ?? type ?? "", message ?? code ?? "");
}

const isModelItem = (value: unknown): value is ModelItem =>
  isRecord(value) && typeof value["type"] === "string";

const idOf = (value: unknown): string | undefined =>
  isRecord(value) && typeof value["id"] === "string" ? value["id"] : undefined;

const text = (fields: Fields, name: string): string => {
  const value = fields[name];
  return typeof value === "string" ? value : "";
};

const index = (fields: Fields, name: string): number => count(fields[name]);

const count = (value: unknown): number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;

function usageOf(usage: unknown): TokenUsageBreakdown | null {
  if (!isRecord(usage)) return null;
  const input = usage["input_tokens_details"];
  const output = usage["output_tokens_details"];
  const inputTokens = count(usage["input_tokens"]);
  const outputTokens = count(usage["output_tokens"]);
  return {
    totalTokens: count(usage["total_tokens"]) || inputTokens + outputTokens,
    inputTokens,
    cachedInputTokens: isRecord(input) ? count(input["cached_tokens"]) : 0,
    cacheWriteInputTokens: isRecord(input) ? count(input["cache_write_tokens"]) : 0,
    outputTokens,
    reasoningOutputTokens: isRecord(output) ? count(output["reasoning_tokens"]) : 0,
  };
}
