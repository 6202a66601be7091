/** A sink that writes down what it is told, texts decoded and joined per item. */
import type { ModelSink } from "../../src/model/port.ts";

export type SinkCall = readonly [string, ...unknown[]];

export class RecordingSink implements ModelSink {
  readonly calls: SinkCall[] = [];
  readonly #onText: (() => void) | undefined;

  constructor(onText?: () => void) {
    this.#onText = onText;
  }

  /** All text deltas as one text. */
  get text(): string {
    return this.calls
      .filter(([name]) => name === "textDelta")
      .map(([, , text]) => String(text))
      .join("");
  }

  itemAdded(item: unknown): void {
    this.calls.push(["itemAdded", item]);
  }

  textDelta(itemId: string, escaped: Buffer): void {
    this.calls.push(["textDelta", itemId, unescaped(escaped)]);
    this.#onText?.();
  }

  reasoningPartAdded(itemId: string, summaryIndex: number): void {
    this.calls.push(["reasoningPartAdded", itemId, summaryIndex]);
  }

  reasoningDelta(itemId: string, summaryIndex: number, escaped: Buffer): void {
    this.calls.push(["reasoningDelta", itemId, summaryIndex, unescaped(escaped)]);
  }

  reasoningTextDelta(itemId: string, contentIndex: number, escaped: Buffer): void {
    this.calls.push(["reasoningTextDelta", itemId, contentIndex, unescaped(escaped)]);
  }

  itemDone(item: unknown): void {
    this.calls.push(["itemDone", item]);
  }
}

/** Throws when the bytes are no valid JSON string body in valid UTF-8. */
function unescaped(escaped: Buffer): unknown {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(escaped);
  return JSON.parse(`"${text}"`);
}
