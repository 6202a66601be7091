import { describe, expect, test } from "vitest";
import { pastTurn } from "../../../src/threads/past-turn.ts";
import { TurnId } from "../../../src/protocol/ids.ts";
import type { Turn } from "../../../src/protocol/turn.ts";
import { spliced, stringifySpliced } from "../../../src/util/spliced-json.ts";

class Ready {
  made = 0;
  readonly #json: string;

  constructor(json: string) {
    this.#json = json;
  }

  toJSON(): unknown {
    return (
      spliced(() => {
        this.made += 1;
        return this.#json;
      }) ?? JSON.parse(this.#json)
    );
  }
}

describe("JSON with ready parts", () => {
  test("equals what JSON.stringify makes, wherever the parts stand", () => {
    const value = { a: [new Ready('{"x":"$& $1 \\u0000"}'), 1], b: { c: new Ready("[]") }, d: "e" };
    expect(stringifySpliced(value)).toBe(JSON.stringify(value));
  });

  test("takes the parts as they are, once each, and leaves ordinary stringifying alone", () => {
    const ready = new Ready('{"x":1}');
    stringifySpliced([ready, ready]);
    expect(ready.made).toBe(2);
    JSON.stringify(ready);
    expect(ready.made).toBe(2);
  });

  test("is in order again after a value that cannot be written", () => {
    expect(() => stringifySpliced({ big: 1n })).toThrow(TypeError);
    expect(JSON.stringify(new Ready("2"))).toBe("2");
  });
});

describe("a past turn", () => {
  const turn: Turn = {
    id: TurnId.parse("01a20248-1219-7f21-8eb0-2533e64d2882"),
    rootTurnId: null,
    items: [],
    itemsView: "full",
    status: "completed",
    error: null,
    startedAt: 1,
    completedAt: 2,
    durationMs: 1000,
  };

  test("reads and writes as the turn that it is", () => {
    const past = pastTurn(turn);
    expect(past).toEqual(turn);
    expect({ ...past, items: [] }).toEqual(turn);
    expect([JSON.stringify(past), stringifySpliced([past])]).toEqual([
      JSON.stringify(turn),
      JSON.stringify([turn]),
    ]);
  });

  test("is made once for a turn, and of itself", () => {
    expect([
      pastTurn(turn) === pastTurn(turn),
      pastTurn(pastTurn(turn)) === pastTurn(turn),
    ]).toEqual([true, true]);
  });
});
