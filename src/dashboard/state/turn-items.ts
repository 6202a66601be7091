/** Changes inside one thread's turns. A turn or item that was never announced (its start was missed) is made on the way. */
import type { ThreadItem } from "../../protocol/item.ts";
import type { Turn, TurnError } from "../../protocol/turn.ts";
import type { ItemView, ThreadView, TurnView } from "./host-view.ts";

export const turnView = (turn: Turn): TurnView => ({
  id: turn.id,
  status: turn.status,
  items: turn.items.map((item) => ({ item, done: isDone(item, turn.status === "inProgress") })),
  plan: null,
  error: turn.error,
  retrying: null,
  durationMs: turn.durationMs,
});

function isDone(item: ThreadItem, running: boolean): boolean {
  if (!running) return true;
  if (item.type === "commandExecution" || item.type === "fileChange") {
    return item.status !== "inProgress";
  }
  return item.type === "userMessage" || typeof item.completedAtMs === "number";
}

export function changeTurn(
  view: ThreadView,
  turnId: string,
  change: (turn: TurnView) => TurnView,
): ThreadView {
  const index = view.turns.findLastIndex(({ id }) => id === turnId);
  const turn = view.turns[index];
  if (turn === undefined) return { ...view, turns: [...view.turns, change(newTurn(turnId))] };
  const changed = change(turn);
  return changed === turn ? view : { ...view, turns: view.turns.with(index, changed) };
}

const newTurn = (id: string): TurnView => ({
  id,
  status: "inProgress",
  items: [],
  plan: null,
  error: null,
  retrying: null,
  durationMs: null,
});

/** Puts an item in its place, or at the end. */
export function putItem(turn: TurnView, item: ThreadItem, done: boolean): TurnView {
  const index = turn.items.findLastIndex((known) => known.item.id === item.id);
  const known = turn.items[index];
  if (known?.done === true && !done) return turn;
  const put: ItemView = { item, done };
  const items = known === undefined ? [...turn.items, put] : turn.items.with(index, put);
  return { ...turn, items, retrying: null };
}

/** Applies a delta to an item that is not finished; `missing` makes it when its start was missed. */
export function growItem(
  turn: TurnView,
  itemId: string,
  grow: (item: ThreadItem) => ThreadItem,
  missing: () => ThreadItem | undefined,
): TurnView {
  const index = turn.items.findLastIndex(({ item }) => item.id === itemId);
  const known = turn.items[index];
  if (known?.done === true) return turn;
  if (known !== undefined) {
    const items = turn.items.with(index, { item: grow(known.item), done: false });
    return { ...turn, items, retrying: null };
  }
  const item = missing();
  return item === undefined ? turn : putItem(turn, grow(item), false);
}

/** The model is asked anew: what it had said by halves is not continued, the next answer says it all. */
export function retryTurn(turn: TurnView, error: TurnError): TurnView {
  return { ...turn, retrying: error, items: turn.items.filter((view) => !isHalfSaid(view)) };
}

const isHalfSaid = ({ item, done }: ItemView): boolean =>
  !done && (item.type === "agentMessage" || item.type === "reasoning");

/** The end of a turn: what is still open stays as far as it came. */
export function endTurn(turn: TurnView, ended: Turn): TurnView {
  const known = new Set<string>(turn.items.map(({ item }) => item.id));
  const missed = ended.items.filter(({ id }) => !known.has(id));
  return {
    ...turn,
    status: ended.status,
    error: ended.error ?? turn.error,
    retrying: null,
    durationMs: ended.durationMs,
    items: [
      ...turn.items.map((view) => (view.done ? view : { ...view, done: true })),
      ...missed.map((item) => ({ item, done: true })),
    ],
  };
}
