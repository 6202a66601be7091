import { describe, expect, test } from "vitest";
import { TurnId } from "../../../src/protocol/ids.ts";
import type { Turn } from "../../../src/protocol/turn.ts";
import { agentMessageItem } from "../../../src/threads/items.ts";
import { prepareTurns, sentTurns } from "../../../src/threads/sent-turns.ts";
import { jsonPieces } from "../../../src/util/spliced-json.ts";

const turn = (index: number, text = "ä"): Turn => ({
  id: TurnId.parse(`01a20248-1219-7f21-8eb0-${String(index).padStart(12, "0")}`),
  rootTurnId: null,
  items: [agentMessageItem(`i${index}`, text, 1, 2)],
  itemsView: "full",
  status: "completed",
  error: null,
  startedAt: 1,
  completedAt: 2,
  durationMs: 1000,
});
const turns = (count: number): Turn[] => Array.from({ length: count }, (_, index) => turn(index));

const piecesOf = (sent: readonly Turn[]): readonly Buffer[] =>
  jsonPieces({ sent }).filter((piece) => typeof piece !== "string");
const textOf = (sent: readonly Turn[]): string => Buffer.concat(piecesOf(sent)).toString();

describe("turns on their way to a client", () => {
  test.each([0, 1, 63, 64, 65, 200])(
    "%i of them read and write as what they are",
    async (count) => {
      const all = turns(count);
      const sent = sentTurns(all);
      expect(sent).toEqual(all);
      expect(JSON.stringify(sent)).toBe(JSON.stringify(all));
      expect(textOf(sent)).toBe(JSON.stringify(all));
      await prepareTurns(all);
      expect(textOf(sent)).toBe(JSON.stringify(all));
    },
  );

  test("are written once: a second answer, and one with a turn more, hand the same bytes on", async () => {
    const all = turns(130);
    await prepareTurns(all);
    const before = piecesOf(sentTurns(all));
    const after = piecesOf(sentTurns([...all, turn(130)]));
    // "[", 64 turns, 64 turns, the rest, "]"
    expect([before.length, after.length]).toEqual([5, 5]);
    expect([after[2] === before[2], after[3] === before[3]]).toEqual([true, false]);
  });

  test("one that was replaced by another is sent as the other, alone in its block", () => {
    const all = turns(130);
    textOf(sentTurns(all));
    const other = all.with(70, turn(70, "other"));
    expect(textOf(sentTurns(other))).toBe(JSON.stringify(other));
    expect(textOf(sentTurns(all))).toBe(JSON.stringify(all));
  });

  test("what is sent stays as it was when the list goes on growing", () => {
    const all = turns(3);
    const sent = sentTurns(all);
    all.push(turn(3));
    expect(textOf(sent)).toBe(JSON.stringify(turns(3)));
  });

  test("making ready lets others run in between", async () => {
    const big = Array.from({ length: 400 }, (_, index) => turn(index, "x".repeat(10_000)));
    let ran = 0;
    const others = setInterval(() => (ran += 1), 0);
    await prepareTurns(big);
    clearInterval(others);
    expect(ran).toBeGreaterThan(0);
    expect(textOf(sentTurns(big))).toBe(JSON.stringify(big));
  });
});
