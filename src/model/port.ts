/** What the turn loop asks of a model endpoint. One call is one attempt; the loop decides on retries. */
import type { ModelItem } from "../protocol/model-item.ts";
import type { CodexErrorInfo, TokenUsageBreakdown } from "../protocol/turn.ts";

/** A tool as offered to the model: `function` with a JSON schema, `custom` with free text, or a `namespace` of functions. */
export interface ToolSpec {
  readonly type: "function" | "custom" | "namespace";
  readonly name: string;
  readonly description: string;
  readonly [member: string]: unknown;
}

export interface ModelRequest {
  readonly model: string;
  readonly instructions: string;
  readonly input: readonly ModelItem[];
  readonly tools: readonly ToolSpec[];
  readonly effort: string | null;
  readonly summary: string | null;
  /** A JSON schema for the final answer, if the caller wants one. */
  readonly outputSchema: unknown;
  /** Served when there is room, at a lower price. */
  readonly isFlexible?: boolean;
  readonly threadId: string;
  readonly turnId: string;
}

/**
 * What arrives while the model answers; called synchronously, in order.
 * `escaped` is the body of a JSON string without its quotes, as bytes: it is copied to clients as it is.
 */
export interface ModelSink {
  itemAdded(item: ModelItem): void;
  textDelta(itemId: string, escaped: Buffer): void;
  reasoningPartAdded(itemId: string, summaryIndex: number): void;
  reasoningDelta(itemId: string, summaryIndex: number, escaped: Buffer): void;
  reasoningTextDelta(itemId: string, contentIndex: number, escaped: Buffer): void;
  itemDone(item: ModelItem): void;
}

export interface ModelOutcome {
  readonly responseId: string | null;
  readonly usage: TokenUsageBreakdown | null;
}

/** Why an attempt failed. `message` is for people; `info` is for clients to switch on. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly info: CodexErrorInfo;
  /** `request`: no answer began; `stream`: it broke off; `final`: trying again is useless. */
  readonly phase: "request" | "stream" | "final";
  /** What the endpoint asked us to wait, if it did. */
  readonly retryAfterMs: number | undefined;
  readonly details: string | null;

  constructor(
    phase: ModelError["phase"],
    message: string,
    info: CodexErrorInfo,
    options: { retryAfterMs?: number; details?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.phase = phase;
    this.info = info;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details ?? null;
  }
}

/** What is known of a model by its name. */
export interface ModelMetadata {
  readonly contextWindow: number;
  /** False: only fallback values; the thread gets a warning. */
  readonly known: boolean;
  /** Whether `apply_patch` and `update_plan` are offered as tools of their own. */
  readonly offersPatchTool: boolean;
  readonly defaultEffort: string | null;
}

export interface ModelProvider {
  readonly id: string;
  /** For people. */
  readonly name: string;
  metadata(model: string): ModelMetadata;
  /** Resolves when the answer is complete; rejects with `ModelError`, or with the signal's reason when aborted. */
  stream(request: ModelRequest, sink: ModelSink, signal: AbortSignal): Promise<ModelOutcome>;
  /** How long to wait before attempt `attempt` (1 = first retry) after `error`; undefined: give up. */
  retryDelayMs(attempt: number, error: ModelError): number | undefined;
  /** How many retries `error` is worth at most; null: as many as it takes. */
  retryLimit?(error: ModelError): number | null;
}

/** One row of model/list. */
export interface ModelListing {
  readonly id: string;
  /** The provider that serves it, where it is another than the one of `defaults`. */
  readonly modelProvider?: string;
  readonly displayName: string;
  readonly description: string;
  readonly efforts: readonly { readonly effort: string; readonly description: string }[];
  readonly defaultEffort: string;
  readonly isDefault: boolean;
  readonly hidden: boolean;
  readonly inputModalities: readonly ("text" | "image")[];
}

export interface Models {
  /** The provider for an id of config.toml (or a built-in one). Throws `Error` with a sentence that says what to do. */
  provider(id: string): ModelProvider;
  /** The provider and model for a new thread when the caller names none. */
  defaults(): { readonly modelProvider: string; readonly model: string };
  list(): Promise<readonly ModelListing[]>;
}
