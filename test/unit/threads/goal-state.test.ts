import { describe, expect, it } from "vitest";
import { GoalStatus } from "../../../src/protocol/goal.ts";
import { nextGoalStatus } from "../../../src/threads/goal-state.ts";
import type { GoalEvent } from "../../../src/threads/goal-state.ts";
import { pick, seededRandom } from "../../helpers/seeded-random.ts";

const all = GoalStatus.options;
const events: readonly GoalEvent[] = [
  ...all.flatMap((status) =>
    [true, false].map((isSpent) => ({ kind: "set", status, isSpent }) as const),
  ),
  { kind: "spent", isSpent: true },
  { kind: "spent", isSpent: false },
  { kind: "interrupted" },
  { kind: "resumed" },
  { kind: "completed" },
];

const isPersons = (event: GoalEvent): boolean =>
  event.kind === "resumed" || (event.kind === "set" && !event.isSpent);

describe("the status of a goal", () => {
  it("moves as the table says, from every status at every event", () => {
    for (const status of all) {
      const same = status;
      expect(nextGoalStatus(status, { kind: "spent", isSpent: false })).toBe(same);
      expect(nextGoalStatus(status, { kind: "spent", isSpent: true })).toBe(
        status === "active" ? "budgetLimited" : same,
      );
      expect(nextGoalStatus(status, { kind: "interrupted" })).toBe(
        status === "active" ? "paused" : same,
      );
      expect(nextGoalStatus(status, { kind: "resumed" })).toBe(
        status === "paused" ? "active" : same,
      );
      expect(nextGoalStatus(status, { kind: "completed" })).toBe("complete");
      for (const wanted of all) {
        expect(nextGoalStatus(status, { kind: "set", status: wanted, isSpent: false })).toBe(
          wanted,
        );
        expect(nextGoalStatus(status, { kind: "set", status: wanted, isSpent: true })).toBe(
          wanted === "active" ? "budgetLimited" : wanted,
        );
      }
    }
  });

  it("becomes active only by a person: set, or back from a pause", () => {
    const random = seededRandom(7);
    let status: GoalStatus = "active";
    const woken: GoalEvent[] = [];
    for (let step = 0; step < 2_000; step += 1) {
      const event = pick(random, events);
      const before = status;
      status = nextGoalStatus(status, event);
      if (status === "active" && before !== "active") woken.push(event);
    }
    expect(woken.length).toBeGreaterThan(0);
    expect(woken.filter((event) => !isPersons(event))).toEqual([]);
  });
});
