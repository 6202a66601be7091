import type { TurnId } from "../protocol/ids.ts";
import type { ThreadItemEntry } from "../protocol/item.ts";
import type { Turn, TurnItemsView } from "../protocol/turn.ts";
import { unreachable } from "../util/unreachable.ts";
import { pageOf } from "./paging.ts";
import type { Page, TurnsQuery } from "./port.ts";

/** A turn with as many of its items as the view asks for; `summary`: the question and the last answer. */
function viewedTurn(turn: Turn, view: TurnItemsView): Turn {
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

/** A page of the turns, each with as many of its items as the view asks for. */
export function turnsPage(turns: readonly Turn[], query: TurnsQuery): Page<Turn> {
  const page = pageOf(turns, (turn) => turn.id, query);
  return { ...page, data: page.data.map((turn) => viewedTurn(turn, query.view)) };
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

/** An entry whose output is asked for apart, by the item's id. Only what went well is left out. */
export function withoutOutput(
  entry: ThreadItemEntry,
  deferred: { readonly commands: boolean; readonly toolCalls: boolean },
): ThreadItemEntry {
  const { item } = entry;
  const isDeferred =
    item.type === "commandExecution" &&
    deferred.commands &&
    item.status === "completed" &&
    item.aggregatedOutput;
  if (!isDeferred) return entry;
  return { ...entry, item: { ...item, aggregatedOutput: null }, outputDeferred: true };
}
