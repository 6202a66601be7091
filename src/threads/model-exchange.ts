import type { Publisher } from "../events/port.ts";
import { TextStream } from "../events/text-stream.ts";
import type { ModelSink } from "../model/port.ts";
import type { ThreadId, TurnId } from "../protocol/ids.ts";
import type { ThreadItem } from "../protocol/item.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import {
  agentMessageDelta,
  itemStarted,
  reasoningSummaryPartAdded,
  reasoningSummaryTextDelta,
  reasoningTextDelta,
} from "../protocol/item-notifications.ts";
import type { ToolCall } from "../tools/port.ts";
import { uuidV7 } from "../util/uuid-v7.ts";
import { agentMessageItem, reasoningItem, textsOf } from "./items.ts";

export interface ExchangeOwner {
  readonly threadId: ThreadId;
  readonly turnId: TurnId;
  readonly publisher: Publisher;
  /** Keeps what the model said; resolves when it is stored. */
  remember(item: ModelItem): Promise<void>;
  /** Stores, then announces. */
  complete(item: ThreadItem): Promise<void>;
}

/** An item that the model is writing. */
interface OpenItem {
  readonly id: string;
  readonly type: "message" | "reasoning";
  readonly startedAtMs: number;
  readonly streams: Map<string, TextStream>;
}

/**
 * One answer of the model on its way to clients and store. Deltas pass through at once. While an
 * item is being stored, what comes after it waits, so that clients see everything in order.
 */
export class ModelExchange implements ModelSink {
  readonly toolCalls: ToolCall[] = [];
  readonly #owner: ExchangeOwner;
  readonly #waiting: (() => Promise<void> | void)[] = [];
  #storing: Promise<void> | undefined;
  #open: OpenItem | undefined;
  #failure: Error | undefined;
  readonly #broken = new AbortController();

  constructor(owner: ExchangeOwner) {
    this.#owner = owner;
  }

  /** Aborts when something could not be stored: what comes after it is for nobody. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /** The text that is being written, for one who comes in the middle of it. */
  get partial(): ThreadItem | undefined {
    if (!this.#open) return undefined;
    const { id, type, startedAtMs, streams } = this.#open;
    const texts = (kind: string): readonly string[] =>
      [...streams].filter(([key]) => key.startsWith(kind)).map(([, stream]) => stream.text());
    return type === "message"
      ? agentMessageItem(id, texts("text").join(""), startedAtMs, null)
      : reasoningItem(id, texts("summary"), texts("content"), startedAtMs, null);
  }

  itemAdded(item: ModelItem): void {
    this.#inOrder(() => {
      if (item.type === "message" || item.type === "reasoning") this.#begin(item.type, idOf(item));
    });
  }

  textDelta(itemId: string, escaped: Buffer): void {
    if (!this.#storing && this.#open?.id === itemId) {
      this.#stream("text", () => new TextStream(agentMessageDelta, this.#ids(itemId)), escaped);
      return;
    }
    const kept = Buffer.from(escaped);
    this.#inOrder(() => {
      if (this.#open?.id !== itemId) this.#begin("message", itemId);
      this.#stream("text", () => new TextStream(agentMessageDelta, this.#ids(itemId)), kept);
    });
  }

  reasoningPartAdded(itemId: string, summaryIndex: number): void {
    this.#inOrder(() => {
      const { threadId, turnId, publisher } = this.#owner;
      publisher.publish(reasoningSummaryPartAdded, { threadId, turnId, itemId, summaryIndex });
    });
  }

  reasoningDelta(itemId: string, summaryIndex: number, escaped: Buffer): void {
    const kept = Buffer.from(escaped);
    this.#inOrder(() => {
      if (this.#open?.id !== itemId) this.#begin("reasoning", itemId);
      const make = (): TextStream =>
        new TextStream(reasoningSummaryTextDelta, { ...this.#ids(itemId), summaryIndex });
      this.#stream(`summary ${summaryIndex}`, make, kept);
    });
  }

  reasoningTextDelta(itemId: string, contentIndex: number, escaped: Buffer): void {
    const kept = Buffer.from(escaped);
    this.#inOrder(() => {
      if (this.#open?.id !== itemId) this.#begin("reasoning", itemId);
      const make = (): TextStream =>
        new TextStream(reasoningTextDelta, { ...this.#ids(itemId), contentIndex });
      this.#stream(`content ${contentIndex}`, make, kept);
    });
  }

  itemDone(item: ModelItem): void {
    this.#inOrder(() => this.#finishItem(item));
  }

  /** Resolves when everything that came is stored and announced. */
  async settled(): Promise<void> {
    while (this.#storing) await this.#storing;
    if (this.#failure) throw this.#failure;
  }

  /** Gives up what is half written; nothing more is owed to anybody. */
  abandon(): void {
    this.#waiting.length = 0;
    this.#closeOpen();
  }

  #inOrder(step: () => Promise<void> | void): void {
    if (this.#failure) return;
    if (this.#storing) {
      this.#waiting.push(step);
      return;
    }
    const pending = step();
    if (pending) this.#storing = this.#drain(pending);
  }

  async #drain(first: Promise<void>): Promise<void> {
    try {
      await first;
      for (let step = this.#waiting.shift(); step; step = this.#waiting.shift()) await step();
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#waiting.length = 0;
      this.#closeOpen();
      this.#broken.abort(this.#failure);
    } finally {
      this.#storing = undefined;
    }
  }

  #begin(type: OpenItem["type"], id: string): void {
    this.#closeOpen();
    const startedAtMs = Date.now();
    this.#open = { id, type, startedAtMs, streams: new Map() };
    const { threadId, turnId, publisher } = this.#owner;
    const item =
      type === "message"
        ? agentMessageItem(id, "", startedAtMs, null)
        : reasoningItem(id, [], [], startedAtMs, null);
    publisher.publish(itemStarted, { item, threadId, turnId, startedAtMs });
  }

  #stream(key: string, make: () => TextStream, escaped: Buffer): void {
    const streams = this.#open?.streams;
    if (!streams) return;
    let stream = streams.get(key);
    if (!stream) {
      stream = make();
      streams.set(key, stream);
    }
    this.#owner.publisher.delta(stream, escaped);
  }

  async #finishItem(item: ModelItem): Promise<void> {
    const known = { ...item, id: idOf(item) };
    const nowMs = Date.now();
    if (item.type === "message" || item.type === "reasoning") {
      if (this.#open?.id !== known.id) this.#begin(item.type, known.id);
      const startedAtMs = this.#open?.startedAtMs ?? nowMs;
      const shown =
        item.type === "message"
          ? agentMessageItem(known.id, textsOf(item, "content").join(""), startedAtMs, nowMs)
          : reasoningItem(
              known.id,
              textsOf(item, "summary"),
              textsOf(item, "content"),
              startedAtMs,
              nowMs,
            );
      await this.#owner.remember(known);
      this.#closeOpen();
      await this.#owner.complete(shown);
      return;
    }
    const call = toolCallOf(item);
    if (call) this.toolCalls.push(call);
    await this.#owner.remember(known);
  }

  #closeOpen(): void {
    for (const stream of this.#open?.streams.values() ?? []) stream.close();
    this.#open = undefined;
  }

  #ids(itemId: string): { threadId: ThreadId; turnId: TurnId; itemId: string } {
    const { threadId, turnId } = this.#owner;
    return { threadId, turnId, itemId };
  }
}

const idOf = (item: ModelItem): string =>
  typeof item["id"] === "string" && item["id"] !== "" ? item["id"] : `item_${uuidV7()}`;

function toolCallOf(item: ModelItem): ToolCall | undefined {
  const { call_id: callId, name, arguments: args, input } = item;
  const namespace = typeof item["namespace"] === "string" ? item["namespace"] : null;
  if (typeof callId !== "string" || typeof name !== "string") return undefined;
  if (item.type === "function_call" && typeof args === "string") {
    return { callId, name, kind: "function", namespace, arguments: args };
  }
  if (item.type === "custom_tool_call" && typeof input === "string") {
    return { callId, name, kind: "custom", namespace, arguments: input };
  }
  return undefined;
}
