import { TextStream, escapeText } from "../events/text-stream.ts";
import type { Publisher } from "../events/port.ts";
import type { ItemId, ThreadId, TurnId } from "../protocol/ids.ts";
import type { ThreadItem } from "../protocol/item.ts";
import { commandOutputDelta } from "../protocol/item-notifications.ts";

interface OpenItem {
  readonly item: ThreadItem;
  stream: TextStream | undefined;
}

/** The items of tools that run, with what they printed so far. */
export class OpenItems {
  readonly #open = new Map<ItemId, OpenItem>();
  readonly #publisher: Publisher;
  readonly #ids: { readonly threadId: ThreadId; readonly turnId: TurnId };

  constructor(publisher: Publisher, ids: { readonly threadId: ThreadId; readonly turnId: TurnId }) {
    this.#publisher = publisher;
    this.#ids = ids;
  }

  start(item: ThreadItem): void {
    this.#open.set(item.id, { item, stream: undefined });
  }

  end(itemId: ItemId): void {
    this.#open.get(itemId)?.stream?.close();
    this.#open.delete(itemId);
  }

  output(itemId: ItemId, text: string): void {
    const open = this.#open.get(itemId);
    if (!open) return;
    open.stream ??= new TextStream(commandOutputDelta, { ...this.#ids, itemId });
    this.#publisher.delta(open.stream, escapeText(text));
  }

  /** The items as one who comes now should see them. */
  snapshot(): readonly ThreadItem[] {
    return [...this.#open.values()].map(({ item, stream }) =>
      stream && item.type === "commandExecution"
        ? { ...item, aggregatedOutput: stream.text() }
        : item,
    );
  }
}
