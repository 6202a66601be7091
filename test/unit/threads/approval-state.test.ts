import { describe, expect, it } from "vitest";
import type { ApprovalEvent, ApprovalState } from "../../../src/threads/approval-state.ts";
import { nextApprovalState } from "../../../src/threads/approval-state.ts";
import { pick, seededRandom } from "../../helpers/seeded-random.ts";

const pending: ApprovalState = { kind: "pending" };
const accepted: ApprovalState = { kind: "resolved", decision: "accept" };
const declined: ApprovalState = { kind: "resolved", decision: "decline" };
const failed: ApprovalState = { kind: "failed" };
const withdrawn: ApprovalState = { kind: "withdrawn" };
const events: readonly ApprovalEvent[] = [
  { kind: "answered", decision: "accept" },
  { kind: "answered", decision: "decline" },
  { kind: "garbled" },
  { kind: "withdrawn" },
];
const rows = [pending, accepted, failed, withdrawn].flatMap((state) =>
  events.map((event, index): readonly [ApprovalState, ApprovalEvent, ApprovalState | undefined] => [
    state,
    event,
    state === pending ? [accepted, declined, failed, withdrawn][index] : undefined,
  ]),
);

describe("an approval's state", () => {
  it.each(rows)("%o + %o -> %o", (state, event, expected) => {
    expect(nextApprovalState(state, event)).toEqual(expected);
  });

  it("is decided by the first event alone", () => {
    const random = seededRandom(4);
    for (let walk = 0; walk < 100; walk++) {
      const [first, ...later] = Array.from({ length: 6 }, () => pick(random, events));
      const decided = first && nextApprovalState(pending, first);
      expect(decided).toBeDefined();
      for (const event of later) {
        expect(decided && nextApprovalState(decided, event)).toBeUndefined();
      }
    }
  });
});
