import { expect, test } from "vitest";
import { emptyHostView } from "../../../src/dashboard/state/host-view.ts";
import { withView } from "../../../src/dashboard/state/host-view.ts";
import { notDelivered } from "../../../src/dashboard/state/pending-sends.ts";
import {
  ageText,
  badgeOf,
  listedThreads,
  titleOf,
} from "../../../src/dashboard/state/thread-list.ts";
import {
  apply,
  opened,
  pushed,
  resumed,
  started,
  thread,
  turn,
  userMessage,
  viewOf,
} from "./wire.ts";

const announced = (id: string, overrides: object) =>
  pushed("thread/started", { thread: thread(id, overrides) });

const active = (...activeFlags: string[]) => ({ status: { type: "active", activeFlags } });

test("threads that wait come first, then those at work, then by their last change", () => {
  const { threads } = apply(
    emptyHostView,
    announced("old", { updatedAt: 1 }),
    announced("new", { updatedAt: 9 }),
    announced("busy", { ...active(), updatedAt: 2 }),
    announced("asks", { ...active("waitingOnApproval"), updatedAt: 0 }),
  );
  const rows = listedThreads(threads, "");
  expect(rows.map((row) => [row.id, badgeOf(row)])).toEqual([
    ["asks", "waiting"],
    ["busy", "running"],
    ["new", "idle"],
    ["old", "idle"],
  ]);
});

test("status, name and archive arrive from other devices", () => {
  const state = apply(
    emptyHostView,
    announced("a", { preview: "First `line`\nsecond" }),
    announced("b", {}),
    pushed("thread/status/changed", { threadId: "a", status: { type: "systemError" } }),
    pushed("thread/archived", { threadId: "b" }),
  );
  const [row] = listedThreads(state.threads, "");
  expect([state.threads.size, row && badgeOf(row), row && titleOf(row)]).toEqual([
    1,
    "error",
    "First line",
  ]);
  const named = apply(state, pushed("thread/name/updated", { threadId: "a", threadName: "Mine" }));
  expect(listedThreads(named.threads, "mIN").map(titleOf)).toEqual(["Mine"]);
  expect(listedThreads(named.threads, "other")).toEqual([]);
});

test("the first message names a thread that has no name", () => {
  const state = apply(opened("a"), started("a", userMessage("m", "Fix the build", null)));
  expect(state.threads.get("a")?.preview).toBe("Fix the build");
});

const sending = (state: ReturnType<typeof opened>, sendState: "sending" | "unknown") =>
  withView(state, "a", (view) => ({
    ...view,
    pending: [{ clientId: "c1", text: "Hello", state: sendState, error: null }],
  }));

test("a message on its way is settled by its appearance in the conversation", () => {
  const state = apply(
    sending(opened("a"), "sending"),
    started("a", userMessage("m", "Hello", "c1")),
  );
  expect(viewOf(state, "a").pending).toEqual([]);
});

test("after a lost connection the history says whether a message arrived", () => {
  const doubtful = sending(opened("a"), "unknown");
  const arrived = [turn("u1", { items: [userMessage("m", "Hello", "c1")] })];
  const byText = [turn("u1", { items: [userMessage("m", "Hello", null)] })];
  const lost = [turn("u1", { items: [userMessage("m", "Hello", "another")] })];
  const pendingAfter = (turns: typeof arrived) =>
    viewOf(apply(doubtful, resumed("a", turns)), "a").pending;
  expect([pendingAfter(arrived), pendingAfter(byText)]).toEqual([[], []]);
  expect(pendingAfter(lost)).toEqual([
    { clientId: "c1", text: "Hello", state: "failed", error: notDelivered },
  ]);
});

test("a thread without history that cannot be resumed yet is no failure, one with history is", () => {
  const failure = { kind: "resumeFailed", threadId: "a", message: "no rollout" } as const;
  const empty = apply(opened("a"), resumed("a", []), failure);
  const full = apply(opened("a"), failure);
  expect([viewOf(empty, "a").load, viewOf(full, "a").load]).toEqual(["ready", "failed"]);
});

test("ages are short", () => {
  const at = 1_000_000;
  expect([0, 59, 300, 7_200, 200_000].map((age) => ageText(at, at + age))).toEqual([
    "now",
    "now",
    "5 min",
    "2 h",
    "2 d",
  ]);
});
