import type { TurnId } from "../protocol/ids.ts";
import type { ThreadItemEntry } from "../protocol/item.ts";
import type { Turn, TurnItemsView } from "../protocol/turn.ts";
import { unreachable } from "../util/unreachable.ts";

/** A turn with as many of its items as the view asks for; `summary`: the question and the last answer. */
export function viewedTurn(turn: Turn, view: TurnItemsView): Turn {
  switch (view) {
    case "full":
      return turn.itemsView === "full" ? turn : { ...turn, itemsView: "full" };
    case "notLoaded":
      return { ...turn, items: [], itemsView: "notLoaded" };
    case "summary": {
      const asked = turn.items.find((item) => item.type === "userMessage");
      const said = turn.items.findLast((item) => item.type === "agentMessage");
      const items = turn.items.filter((item) => item === asked || item === said);
      return { ...turn, items, itemsView: "summary" };
    }
    default:
      return unreachable(view);
  }
}

/** The items of all turns, or of one, each with its turn. */
export const entriesOf = (
  turns: readonly Turn[],
  turnId: TurnId | undefined,
): readonly ThreadItemEntry[] =>
  turns
    .filter((turn) => turnId === undefined || turn.id === turnId)
    .flatMap((turn) =>
      turn.items.map((item) => ({
        turnId: turn.id,
        item,
        startedAtMs: item.startedAtMs ?? null,
        completedAtMs: item.completedAtMs ?? null,
      })),
    );
