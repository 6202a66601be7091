import { describe, expect, it } from "vitest";
import type { TurnEvent, TurnState } from "../../../src/threads/turn-state.ts";
import { isRunning, nextTurnState } from "../../../src/threads/turn-state.ts";
import { pick, seededRandom } from "../../helpers/seeded-random.ts";

const error = {
  message: "no",
  codexErrorInfo: "other",
  additionalDetails: null,
  misalignment: null,
};
const sampling: TurnState = { kind: "sampling" };
const working: TurnState = { kind: "working" };
const completed: TurnState = { kind: "completed" };
const failed: TurnState = { kind: "failed", error };
const interrupted: TurnState = { kind: "interrupted" };

const events: readonly TurnEvent[] = [
  { kind: "toolsCalled" },
  { kind: "toolsDone" },
  { kind: "steered" },
  { kind: "finish" },
  { kind: "fail", error },
  { kind: "interrupt" },
];
const none = undefined;
const nothing = [none, none, none, none, none, none];

/** State -> what each of `events`, in their order, leads to. */
const table: readonly (readonly [TurnState, readonly (TurnState | undefined)[]])[] = [
  [sampling, [working, none, sampling, completed, failed, interrupted]],
  [working, [none, sampling, working, none, failed, interrupted]],
  [completed, nothing],
  [failed, nothing],
  [interrupted, nothing],
];
const rows = table.flatMap(([state, ends]) =>
  events.map((event, index): readonly [TurnState, TurnEvent, TurnState | undefined] => [
    state,
    event,
    ends[index],
  ]),
);

describe("a turn's state", () => {
  it.each(rows)("%o + %o -> %o", (state, event, expected) => {
    expect(nextTurnState(state, event)).toEqual(expected);
  });

  it("ends once, stays as it ended, and can be interrupted whenever it runs", () => {
    const random = seededRandom(3);
    for (let walk = 0; walk < 300; walk++) {
      let state: TurnState = sampling;
      let ends = 0;
      for (let step = 0; step < 20; step++) {
        expect(nextTurnState(state, { kind: "interrupt" })).toEqual(
          isRunning(state) ? interrupted : undefined,
        );
        const next = nextTurnState(state, pick(random, events));
        if (next && !isRunning(next)) ends += 1;
        expect(!isRunning(state) && next).toBeFalsy();
        state = next ?? state;
      }
      expect(ends).toBe(isRunning(state) ? 0 : 1);
    }
  });
});
