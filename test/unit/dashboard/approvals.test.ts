import { expect, test } from "vitest";
import { commandSubject } from "../../../src/dashboard/state/approval-subject.ts";
import {
  approvalsOf,
  challengeFor,
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

test("an answer that does not count can be given again, and the page keeps why when it is asked anew", () => {
  const why = { message: "It is not signed.", nextStep: "Sign it." };
  const state = apply(opened("a"), asked(0, question("a", "c")), asked(1, question("a", "d")));
  const refused = apply(
    withAnswer(state, 0, "accept"),
    pushed("farhelm/approval/refused", { threadId: "a", requestId: 0, code: "x", ...why }),
    asked(0, { ...question("a", "c"), reason: "again" }),
  );
  expect(approvalsOf(refused, "a")).toMatchObject([
    { id: 0, answered: null, refusal: why, params: { reason: "again" } },
    { id: 1, refusal: null },
  ]);
  expect(approvalsOf(withAnswer(refused, 0, "accept"), "a")[0]?.refusal).toBe(null);
});

test("what has to be signed is what the host asks of this role", () => {
  const payload = { kind: "command", command: ["ls"], cwd: "/" };
  const farhelmSignature = { payload, requiredOf: ["approver"] };
  const state = apply(opened("a"), asked(0, { ...question("a", "c"), farhelmSignature }));
  const [approval] = approvalsOf(state, "a");
  const asks = (role: Parameters<typeof challengeFor>[1]): boolean =>
    approval !== undefined && challengeFor(approval, role) !== undefined;
  expect([asks("approver"), asks("admin"), asks(null)]).toEqual([true, false, false]);
});

test.each([
  [["/bin/bash", "-lc", "git push"], { text: "git push", runsAs: "/bin/bash -lc" }],
  [["git", "push now"], { text: '[\n "git",\n "push now"\n]', runsAs: null }],
  [["sh", "-c", "a", "b"], { text: '[\n "sh",\n "-c",\n "a",\n "b"\n]', runsAs: null }],
])("a signed command is shown from what is signed: %j", (argv, shown) => {
  const payload = { kind: "command", command: argv, cwd: "/real" };
  const farhelmSignature = { payload, requiredOf: ["approver"] };
  const state = apply(opened("a"), asked(0, { ...question("a", "c"), farhelmSignature }));
  const [approval] = approvalsOf(state, "a");
  if (approval?.method !== "item/commandExecution/requestApproval") throw new Error("no approval");
  expect(commandSubject(approval, challengeFor(approval, "approver"))).toEqual({
    ...shown,
    cwd: "/real",
  });
  expect(commandSubject(approval, undefined)).toEqual({
    text: "git push",
    runsAs: null,
    cwd: "/work",
  });
});
