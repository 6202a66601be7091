import { expect, test } from "vitest";
import {
  approvalsOf,
  withAnswer,
  withoutApprovalsOf,
} from "../../../src/dashboard/state/approvals.ts";
import { apply, asked, command, completed, opened, pushed, resumed, turn } from "./wire.ts";

const question = (threadId: string, itemId: string) => ({
  kind: "command",
  threadId,
  turnId: "u1",
  itemId,
  startedAtMs: 1,
  environmentId: "local",
  reason: null,
  command: "git push",
  cwd: "/work",
  commandActions: [],
  proposedExecpolicyAmendment: [],
  availableDecisions: ["accept"],
});

const idsOf = (state: Parameters<typeof approvalsOf>[0], threadId: string) =>
  approvalsOf(state, threadId).map(({ id }) => id);

test("an approval that someone else answered disappears, others stay", () => {
  const state = apply(opened("a", "b"), asked(0, question("a", "c")), asked(1, question("b", "c")));
  const after = apply(state, pushed("serverRequest/resolved", { threadId: "a", requestId: 0 }));
  expect([idsOf(after, "a"), idsOf(after, "b")]).toEqual([[], [1]]);
});

test("an approval also ends with its item or its turn", () => {
  const state = apply(opened("a"), asked(0, question("a", "c1")), asked(1, question("a", "c2")));
  const declined = apply(state, completed("a", command("c1", { status: "declined" })));
  expect(idsOf(declined, "a")).toEqual([1]);
  const ended = apply(
    declined,
    pushed("turn/completed", { threadId: "a", turn: turn("u1", { status: "interrupted" }) }),
  );
  expect(idsOf(ended, "a")).toEqual([]);
});

test("after a reconnect only what the host asks again still waits, and it can be answered anew", () => {
  const before = apply(opened("a"), asked(0, question("a", "c1")), asked(1, question("a", "c2")));
  const answered = withAnswer(before, 0, "accept");
  const lost = apply(answered, { kind: "connected" });
  expect(approvalsOf(lost, "a").every(({ connection }) => connection < lost.connection)).toBe(true);
  const back = apply(lost, resumed("a", [turn("u1")]), asked(1, question("a", "c2")));
  expect(approvalsOf(back, "a")).toMatchObject([
    { id: 1, answered: null, connection: back.connection },
  ]);
});

test("a question that was replayed before the history is not lost with the old ones", () => {
  const lost = apply(opened("a"), asked(0, question("a", "c")), { kind: "connected" });
  const back = apply(lost, asked(0, question("a", "c")), resumed("a", [turn("u1")]));
  expect(idsOf(back, "a")).toEqual([0]);
});

test("questions of a later protocol are left to others", () => {
  const state = opened("a");
  const request = asked(7, question("a", "c"));
  const unknown = JSON.parse(JSON.stringify(request).replace("requestApproval", "requestMood"));
  expect(apply(state, unknown)).toBe(state);
});

test("a thread that is closed forgets its questions; opening it brings those that still wait", () => {
  const state = apply(opened("a", "b"), asked(0, question("a", "c")), asked(1, question("b", "c")));
  const closed = withoutApprovalsOf(state, "a");
  expect([idsOf(closed, "a"), idsOf(closed, "b")]).toEqual([[], [1]]);
});
