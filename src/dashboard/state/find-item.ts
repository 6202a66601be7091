import type { ThreadItem } from "../../protocol/item.ts";
import type { ThreadView } from "./host-view.ts";

/** An item of the last turns by its id. */
export function itemOf(view: ThreadView | undefined, itemId: string): ThreadItem | undefined {
  const turn = view?.turns.findLast(({ items }) => items.some(({ item }) => item.id === itemId));
  return turn?.items.find(({ item }) => item.id === itemId)?.item;
}
