/** What a host has acknowledged, and what may be true besides because it was under way. */
import { isRecord } from "../../src/util/is-record.ts";
import type { Json, Told } from "./kill-peer.ts";

export interface KnownTurn {
  /** How it ended, once the host has said so. */
  status: string | undefined;
  /** What people wrote and the host took. */
  readonly inputs: string[];
  /** What the host called completed, whole. */
  readonly items: Map<string, Json>;
  /** The whole turn, as it was read after it can no longer change. */
  settled: Json | undefined;
}

export interface KnownThread {
  readonly id: string;
  /** The file's form: in the old one the stock programs keep no ids and no times of items. */
  readonly legacy: boolean;
  readonly turns: Map<string, KnownTurn>;
  /** The last one is the wish, or the fact where there is one only. */
  names: (string | null)[];
  archived: boolean[];
  deleted: boolean[];
  /** Whether a turn was taken: before that a thread is kept nowhere. */
  stored: boolean;
  /** Whether a turn may have begun that nobody was told of. */
  mayHaveMore: boolean;
}

const freshTurn = (): KnownTurn => ({
  status: undefined,
  inputs: [],
  items: new Map(),
  settled: undefined,
});

export const listOf = (value: unknown): readonly Json[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];

export function textIn(record: Json, member: string): string {
  const value = record[member];
  return typeof value === "string" ? value : "";
}

export class KillLedger {
  readonly threads = new Map<string, KnownThread>();
  /** Threads that were asked for and not answered yet. */
  unanswered = 0;
  /** Answers and events that acknowledge something. */
  acknowledged = 0;

  begin(id: string, legacy: boolean, name: string | null = null): KnownThread {
    const thread: KnownThread = {
      id,
      legacy,
      turns: new Map(),
      names: [name],
      archived: [false],
      deleted: [false],
      stored: false,
      mayHaveMore: false,
    };
    this.threads.set(id, thread);
    return thread;
  }

  /** A fork, with the turns that its answer showed. */
  forked(source: KnownThread, fork: Json): KnownThread {
    const thread = this.begin(textIn(fork, "id"), source.legacy, source.names.at(-1));
    thread.stored = true;
    for (const turn of listOf(fork["turns"])) this.settle(thread, turn);
    return thread;
  }

  turnOf(threadId: string, turnId: string): KnownTurn | undefined {
    const thread = this.threads.get(threadId);
    if (thread === undefined) return undefined;
    const turn = thread.turns.get(turnId) ?? freshTurn();
    thread.turns.set(turnId, turn);
    thread.stored = true;
    return turn;
  }

  settle(thread: KnownThread, turn: Json): void {
    thread.turns.set(textIn(turn, "id"), { ...freshTurn(), settled: turn });
  }

  /** Notes what a notification acknowledges. */
  hear({ method, params }: Told): void {
    const threadId = textIn(params, "threadId");
    if (method === "item/completed" && isRecord(params["item"])) {
      this.acknowledged += 1;
      const { item } = params;
      this.turnOf(threadId, textIn(params, "turnId"))?.items.set(textIn(item, "id"), item);
    }
    const { turn } = params;
    if (!isRecord(turn)) return;
    if (method === "turn/started") this.turnOf(threadId, textIn(turn, "id"));
    if (method !== "turn/completed") return;
    this.acknowledged += 1;
    const known = this.turnOf(threadId, textIn(turn, "id"));
    if (known !== undefined) known.status = textIn(turn, "status");
  }
}
