/** What a client knows of one thread: built from what it was sent, and from nothing else. */
import { isRecord } from "../../src/util/is-record.ts";
import { listOf, textIn } from "../helpers/kill-ledger.ts";
import type { Json } from "../helpers/kill-peer.ts";

interface TurnCopy {
  /** The turn without its items. */
  head: Json;
  /** In the order in which they were completed. */
  readonly done: Json[];
  /** What is not completed yet, with its text so far. */
  readonly open: Map<string, Json>;
}

export interface Question {
  readonly method: string;
  readonly params: Json;
  /** Of the thread's events when it was asked: a host that was restarted gives the ids out anew. */
  readonly epoch: string;
}

export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

const withoutItems = ({ items: _items, itemsView: _view, ...head }: Json): Json => head;

const recordIn = (record: Json, member: string): Json => {
  const value = record[member];
  return isRecord(value) ? value : {};
};

export class ThreadCopy {
  readonly id: string;
  /** Where in the events of the thread the copy is. */
  position: Position | undefined;
  /** The log that the events are of; undefined where the client knows nothing of logs. */
  epoch: string | undefined;
  /** Turns were taken back since the thread was shown: no event makes the copy right, only another snapshot. */
  isStale = false;
  /** Server requests that it shows as open. */
  readonly questions = new Map<string | number, Question>();
  /** Those of which the end was told since the thread was shown. */
  readonly ended = new Set<string | number>();
  name: unknown;
  status: unknown;
  sectionId: unknown;
  /** Undefined: nothing was said of it since the thread was shown. */
  goal: unknown;
  /** The same. */
  readState: unknown;
  /** What cannot be: events that do not fit together. */
  readonly faults: string[] = [];
  #turns: TurnCopy[] = [];

  constructor(thread: Json) {
    this.id = textIn(thread, "id");
    this.show(thread);
  }

  /** A snapshot replaces everything but the questions. */
  show(thread: Json): void {
    this.name = thread["name"];
    this.status = thread["status"];
    this.sectionId = isRecord(thread["section"]) ? thread["section"]["id"] : null;
    this.ended.clear();
    this.isStale = false;
    this.goal = undefined;
    this.readState = undefined;
    this.#turns = listOf(thread["turns"]).map((turn) => {
      const running = turn["status"] === "inProgress";
      const isOpen = (item: Json): boolean => running && typeof item["completedAtMs"] !== "number";
      const items = listOf(turn["items"]);
      return {
        head: withoutItems(turn),
        done: items.filter((item) => !isOpen(item)),
        open: new Map(items.filter(isOpen).map((item) => [textIn(item, "id"), item])),
      };
    });
  }

  get activeTurn(): string | undefined {
    const last = this.#turns.at(-1)?.head;
    return last?.["status"] === "inProgress" ? textIn(last, "id") : undefined;
  }

  get turnCount(): number {
    return this.#turns.length;
  }

  get lastTurn(): string | undefined {
    const last = this.#turns.at(-1)?.head;
    return last && textIn(last, "id");
  }

  /** The thread as thread/read shows one at rest. */
  shown(): Json {
    const turns = this.#turns.map(({ head, done }) => ({ ...head, items: done }));
    const { id, name, status, sectionId } = this;
    return { id, name, status, sectionId, turns };
  }

  /** A notification that names the thread. */
  apply(method: string, params: Json): void {
    switch (method) {
      case "thread/name/updated":
        this.name = params["threadName"] ?? null;
        return;
      case "thread/status/changed":
        this.status = params["status"];
        return;
      case "thread/section/changed":
        this.sectionId = params["sectionId"];
        return;
      case "thread/goal/updated":
        this.goal = params["goal"];
        return;
      case "thread/goal/cleared":
        this.goal = null;
        return;
      case "thread/readState/changed":
        this.readState = params["readState"];
        return;
      case "turn/started":
        this.#begin(recordIn(params, "turn"));
        return;
      case "turn/completed":
        this.#end(recordIn(params, "turn"));
        return;
      case "item/started":
        this.#start(params);
        return;
      case "item/agentMessage/delta":
        this.#grow(params);
        return;
      case "item/completed":
        this.#complete(params);
        return;
      default:
    }
  }

  #begin(turn: Json): void {
    if (this.#turnOf(textIn(turn, "id")) !== undefined) {
      this.faults.push(`turn ${textIn(turn, "id")} began twice`);
      return;
    }
    this.#turns.push({ head: withoutItems(turn), done: [], open: new Map() });
  }

  #end(turn: Json): void {
    const known = this.#turnOf(textIn(turn, "id"));
    if (known === undefined) this.faults.push(`turn ${textIn(turn, "id")} ended and never began`);
    else known.head = withoutItems(turn);
  }

  #start(params: Json): void {
    const item = recordIn(params, "item");
    const id = textIn(item, "id");
    const turn = this.#of(params, id);
    if (turn === undefined) return;
    if (turn.done.some((each) => each["id"] === id)) this.faults.push(`item ${id} began again`);
    turn.open.set(id, item);
  }

  #grow(params: Json): void {
    const id = textIn(params, "itemId");
    const item = this.#of(params, id)?.open.get(id);
    if (item === undefined) {
      this.faults.push(`a delta of item ${id}, which is not open`);
      return;
    }
    const text = textIn(item, "text") + textIn(params, "delta");
    this.#of(params, id)?.open.set(id, { ...item, text });
  }

  #complete(params: Json): void {
    const item = recordIn(params, "item");
    const id = textIn(item, "id");
    const turn = this.#of(params, id);
    if (turn === undefined) return;
    if (turn.done.some((each) => each["id"] === id)) this.faults.push(`item ${id} ended twice`);
    const before = turn.open.get(id);
    if (before?.["type"] === "agentMessage" && before["text"] !== item["text"]) {
      this.faults.push(`the deltas of item ${id} make ${JSON.stringify(before["text"])}`);
    }
    turn.open.delete(id);
    turn.done.push(item);
  }

  #of(params: Json, itemId: string): TurnCopy | undefined {
    const turn = this.#turnOf(textIn(params, "turnId"));
    if (turn === undefined) this.faults.push(`item ${itemId} of a turn that never began`);
    return turn;
  }

  #turnOf(id: string): TurnCopy | undefined {
    return this.#turns.findLast(({ head }) => head["id"] === id);
  }
}
