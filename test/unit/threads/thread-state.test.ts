import { describe, expect, it } from "vitest";
import type { ThreadEvent, ThreadState } from "../../../src/threads/thread-state.ts";
import { nextThreadState, statusOf } from "../../../src/threads/thread-state.ts";
import { pick, seededRandom } from "../../helpers/seeded-random.ts";

const idle: ThreadState = { kind: "idle" };
const active: ThreadState = { kind: "active" };
const one: ThreadState = { kind: "waiting", pending: 1 };
const two: ThreadState = { kind: "waiting", pending: 2 };
const three: ThreadState = { kind: "waiting", pending: 3 };
const broken: ThreadState = { kind: "systemError" };
const gone: ThreadState = { kind: "notLoaded" };

const kinds = ["turnStarted", "asked", "answered", "turnEnded", "turnFailed", "unload"] as const;
const none = undefined;

/** State -> what each event of `kinds`, in their order, leads to. */
const table: readonly (readonly [ThreadState, readonly (ThreadState | undefined)[]])[] = [
  [idle, [active, none, none, none, none, gone]],
  [active, [none, one, none, idle, broken, gone]],
  [one, [none, two, active, idle, broken, gone]],
  [two, [none, three, one, idle, broken, gone]],
  [broken, [active, none, none, none, none, gone]],
  [gone, [none, none, none, none, none, none]],
];
const rows = table.flatMap(([state, ends]) =>
  kinds.map((kind, index): readonly [ThreadState, ThreadEvent, ThreadState | undefined] => [
    state,
    { kind },
    ends[index],
  ]),
);

describe("a thread's state", () => {
  it.each(rows)("%o + %o -> %o", (state, event, expected) => {
    expect(nextThreadState(state, event)).toEqual(expected);
  });

  it("counts as many waiting approvals as were asked and not answered, and stays notLoaded", () => {
    const random = seededRandom(2);
    for (let walk = 0; walk < 300; walk++) {
      let state: ThreadState = idle;
      let pending = 0;
      for (let step = 0; step < 30; step++) {
        const kind = pick(random, kinds);
        const next = nextThreadState(state, { kind });
        expect(state.kind === "notLoaded" && next).toBeFalsy();
        if (next) {
          if (kind === "asked") pending += 1;
          else if (kind === "answered") pending -= 1;
          else pending = 0;
          state = next;
        }
        expect(state.kind === "waiting" ? state.pending : 0).toBe(pending);
        expect(pending).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it("is told to clients in the protocol's words", () => {
    expect([idle, active, one, two, broken, gone].map(statusOf)).toEqual([
      { type: "idle" },
      { type: "active", activeFlags: [] },
      { type: "active", activeFlags: ["waitingOnApproval"] },
      { type: "active", activeFlags: ["waitingOnApproval"] },
      { type: "systemError" },
      { type: "notLoaded" },
    ]);
  });
});
