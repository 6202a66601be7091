import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ThreadLog } from "../../../src/events/thread-log.ts";
import { textFrame } from "../../../src/util/text-frame.ts";
import { payloadsOf } from "../../helpers/text-frames.ts";

const nowMs = 1_000;

const add = (log: ThreadLog, text: string, atMs = nowMs): Buffer =>
  textFrame(text, (bytes) => log.append(bytes, atMs));
const after = (log: ThreadLog, seq: number): readonly (readonly [number, string])[] =>
  [...log.after(seq)].map(({ seq: at, memory, start, end }) => [
    at,
    payloadsOf(memory.subarray(start, end)).join("|"),
  ]);

describe("the log of a thread", () => {
  it("gives, from any place that it still knows, exactly what came behind it", () => {
    const length = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(125, 126, 5_000, 65_535, 65_536));
    fc.assert(
      fc.property(fc.array(length, { maxLength: 60 }), fc.nat({ max: 4 }), (lengths, drops) => {
        let held = 0;
        const log = new ThreadLog("e", (bytes) => (held += bytes));
        const texts = lengths.map((size, index) => `${index}`.padEnd(size, "."));
        const frames = texts.map((text) => add(log, text));
        expect(frames.map((frame) => payloadsOf(frame))).toEqual(texts.map((text) => [text]));
        for (let count = 0; count < drops; count++) log.dropOldest();
        expect([log.head, held]).toEqual([texts.length, log.capacity]);
        const all = texts.map((text, index) => [index + 1, text] as const);
        for (let seq = log.first - 1; seq <= log.head; seq++) {
          expect(after(log, seq)).toEqual(all.slice(seq));
          const bytes = all.slice(seq).reduce((sum, [, text]) => sum + text.length, 0);
          expect(log.bytesAfter(seq)).toBeGreaterThanOrEqual(bytes);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("leaves frames that were given up as they were: somebody may still be writing them", () => {
    const log = new ThreadLog("e");
    const frame = add(log, "first");
    log.clear();
    for (let count = 0; count < 2_000; count++) add(log, "other");
    expect([payloadsOf(frame), log.first, log.head]).toEqual([["first"], 2, 2_001]);
  });

  it("counts on when everything was given up, and knows that nothing is missing at its end", () => {
    const log = new ThreadLog("e");
    add(log, "a", 1);
    add(log, "b", 2);
    log.dropUntil(3);
    expect([log.head, log.first, log.capacity, after(log, 2)]).toEqual([2, 3, 0, []]);
    add(log, "c", 4);
    log.dropUntil(4);
    expect(after(log, 2)).toEqual([[3, "c"]]);
  });

  it("takes little memory for little, and never much more than it needs", () => {
    const log = new ThreadLog("e");
    add(log, "x");
    expect(log.capacity).toBe(1024);
    for (let count = 0; count < 10_000; count++) add(log, "x".repeat(98));
    expect(log.capacity).toBeLessThan(1_000_000 + 2 * 64 * 1024);
  });

  it("shows a question whose end is not told to nobody who comes later", () => {
    const log = new ThreadLog("e");
    const ask = { kind: "ask", requestId: 7, role: "operator" } as const;
    textFrame("ask", (bytes) => log.append(bytes, nowMs, ask));
    expect([...log.after(0)][0]?.mark).toEqual(ask);
    log.withhold(8);
    expect([...log.after(0)][0]?.mark).toEqual(ask);
    log.withhold(7);
    expect([...log.after(0)][0]?.mark).toEqual({ kind: "withheld" });
  });
});
