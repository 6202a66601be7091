/**
 * Turns on their way to a client. A long thread is sent by handing on bytes: the JSON of turns that
 * will not change is made once, in blocks, and a few milliseconds at a time.
 */
import { setImmediate as nextTurnOfTheLoop } from "node:timers/promises";
import type { Turn } from "../protocol/turn.ts";
import { spliced } from "../util/spliced-json.ts";

/** One write to a socket takes some hundred pieces; a turn that is added makes one block anew. */
const blockTurns = 64;
/** Others wait as long as this for their answers. */
const sliceMs = 2;

interface Block {
  readonly turns: readonly Turn[];
  /** The turns, a comma in front of each. */
  readonly json: Buffer;
}

/** By the first turn of each, as long as somebody holds that turn. */
const known = new WeakMap<Turn, Block>();

/** The same turns for an answer. A turn is never changed, only replaced by another. */
export function sentTurns(turns: readonly Turn[]): Turn[] {
  const sent = [...turns];
  Object.defineProperty(sent, "toJSON", { value: () => spliced(() => jsonOf(sent)) ?? sent });
  return sent;
}

/** Makes what `sentTurns` needs of these turns, so that the answer itself takes no time. */
export async function prepareTurns(turns: readonly Turn[]): Promise<void> {
  let startMs = performance.now();
  for (const block of blocksOf(turns)) {
    if (isReady(block)) continue;
    const texts: string[] = [];
    for (const turn of block) {
      texts.push(JSON.stringify(turn));
      if (performance.now() - startMs < sliceMs) continue;
      await nextTurnOfTheLoop();
      startMs = performance.now();
    }
    keep(block, texts);
  }
}

function jsonOf(turns: readonly Turn[]): Buffer[] {
  if (turns.length === 0) return [Buffer.from("[]")];
  const [first = Buffer.alloc(0), ...more] = blocksOf(turns).map(bytesOf);
  return [Buffer.from("["), first.subarray(1), ...more, Buffer.from("]")];
}

function bytesOf(turns: readonly Turn[]): Buffer {
  const block = readyBlock(turns);
  return block
    ? block.json
    : keep(
        turns,
        turns.map((turn) => JSON.stringify(turn)),
      );
}

function keep(turns: readonly Turn[], texts: readonly string[]): Buffer {
  const json = Buffer.from(`,${texts.join(",")}`);
  const [first] = turns;
  if (first) known.set(first, { turns, json });
  return json;
}

function readyBlock(turns: readonly Turn[]): Block | undefined {
  const block = turns[0] && known.get(turns[0]);
  if (block?.turns.length !== turns.length) return undefined;
  return turns.every((turn, index) => turn === block.turns[index]) ? block : undefined;
}

const isReady = (turns: readonly Turn[]): boolean => readyBlock(turns) !== undefined;

const blocksOf = (turns: readonly Turn[]): Turn[][] =>
  Array.from({ length: Math.ceil(turns.length / blockTurns) }, (_, index) =>
    turns.slice(index * blockTurns, (index + 1) * blockTurns),
  );
