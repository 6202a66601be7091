/** Where a fork leaves its source: a place between two lines, found while the source is read. */
import { ThreadId } from "../../protocol/ids.ts";
import type { TurnId } from "../../protocol/ids.ts";
import type { Turn } from "../../protocol/turn.ts";
import { StoreError } from "../port.ts";
import type { ForkCut } from "../port.ts";
import { turnNotFound } from "../thread-failures.ts";
import { isImplicit, RolloutDecoder } from "./decode.ts";
import type { DecodedHistory } from "./decode.ts";
import { previewOfInput } from "./input-coding.ts";
import { ordinalOf } from "./line-ordinal.ts";
import type { HistoryBase } from "./meta-coding.ts";

/** The place before a line of a file, or after its last one. */
export interface LinePlace {
  readonly threadId: string;
  /** Whole lines of this file before it. */
  readonly line: number;
  readonly offset: number;
  readonly ordinal: number;
}

export interface ForkPoint {
  /** Undefined where nothing of the source is kept. */
  readonly end: LinePlace | undefined;
  /** The last kept turn, where it has no end. */
  readonly openTurn: Turn | undefined;
  readonly preview: string;
  readonly history: DecodedHistory;
}

const userMessage = /"type":"response_item","payload":\{"type":"message","role":"user"/;

export class ForkScan {
  readonly #decoder = new RolloutDecoder();
  readonly #places = new Map<string, LinePlace>();
  readonly #starts = new Map<TurnId, LinePlace>();
  #end: LinePlace | undefined;
  /** A message from a person, as the model gets it, right before the line in hand: it belongs to the turn that this one begins. */
  #said: LinePlace | undefined;

  /** Whole lines, in the order in which they make up the source. */
  add(threadId: string, lines: readonly string[]): void {
    for (const line of lines) this.#addLine(threadId, line);
  }

  #addLine(threadId: string, line: string): void {
    const known = this.#places.get(threadId) ?? { threadId, line: 0, offset: 0, ordinal: 0 };
    const place = { ...known, ordinal: ordinalOf(line) ?? known.ordinal };
    const before = this.#decoder.latestTurnId;
    this.#decoder.add(line);
    const latest = this.#decoder.latestTurnId;
    if (latest !== undefined && latest !== before && !this.#starts.has(latest)) {
      this.#starts.set(latest, (isImplicit(latest) ? this.#said : undefined) ?? place);
    }
    const idle = latest === undefined || !this.#decoder.isOpen(latest);
    this.#said = idle && userMessage.test(line) ? place : undefined;
    this.#end = {
      threadId,
      line: place.line + 1,
      offset: place.offset + Buffer.byteLength(line) + 1,
      ordinal: place.ordinal + 1,
    };
    this.#places.set(threadId, this.#end);
  }

  /** `isRunning`: whether the source's last turn goes on. Throws `StoreError`. */
  finish(cut: ForkCut, isRunning: boolean): ForkPoint {
    const history = this.#decoder.finish();
    const kept = this.#keptTurns(history.turns, cut, isRunning);
    const last = kept.at(-1);
    return {
      end: this.#endAfter(last, history.turns, kept.length),
      openTurn: last !== undefined && this.#decoder.isOpen(last.id) ? last : undefined,
      preview: previewOf(kept),
      history,
    };
  }

  #keptTurns(turns: readonly Turn[], cut: ForkCut, isRunning: boolean): readonly Turn[] {
    const id = cut.lastTurnId ?? cut.beforeTurnId;
    if (id === undefined) return turns;
    const at = turns.findIndex((turn) => turn.id === id);
    if (at === -1) throw turnNotFound(id);
    if (cut.lastTurnId === undefined) return turns.slice(0, at);
    if (isRunning && at === turns.length - 1 && this.#decoder.isOpen(id)) {
      throw new StoreError("busy", `lastTurnId '${id}' identifies an in-progress turn`);
    }
    return turns.slice(0, at + 1);
  }

  /** Where the turn after the last kept one began, be it that it was taken back later. */
  #endAfter(
    last: Turn | undefined,
    turns: readonly Turn[],
    keptCount: number,
  ): LinePlace | undefined {
    if (keptCount === turns.length) return this.#end;
    if (last === undefined) return undefined;
    const ids = [...this.#starts.keys()];
    const next = ids[ids.indexOf(last.id) + 1];
    return next === undefined ? this.#end : this.#starts.get(next);
  }
}

function previewOf(turns: readonly Turn[]): string {
  for (const item of turns.flatMap(({ items }) => items)) {
    if (item.type !== "userMessage" || !Array.isArray(item.content)) continue;
    const preview = previewOfInput(item.content);
    if (preview !== "") return preview;
  }
  return "";
}

/** What a fork in the form that leans on its source's file says of it. */
export const baseAt = (end: LinePlace): HistoryBase => ({
  threadId: ThreadId.parse(end.threadId),
  endOffset: end.offset,
  endOrdinal: end.ordinal,
});
