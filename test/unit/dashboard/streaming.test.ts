import { expect, test } from "vitest";
import { durationText, plainOutput } from "../../../src/dashboard/state/terminal-text.ts";
import {
  apply,
  command,
  completed,
  delta,
  message,
  opened,
  pushed,
  resumed,
  shownTexts,
  started,
  turn,
  viewOf,
} from "./wire.ts";

test("deltas grow a message and its completion has the last word", () => {
  const streaming = apply(
    opened("a"),
    started("a", message("m", "", null)),
    delta("a", "m", "Hel"),
    delta("a", "m", "lo"),
  );
  expect(shownTexts(streaming, "a")).toEqual(["Hello …"]);
  const whole = apply(streaming, completed("a", message("m", "Hello, world")));
  expect(shownTexts(whole, "a")).toEqual(["Hello, world"]);
  expect(apply(whole, delta("a", "m", " late"))).toBe(whole);
});

test("only the item that streams changes its identity", () => {
  const before = apply(
    opened("a"),
    completed("a", message("m1", "one")),
    started("a", message("m2", "", null)),
  );
  const after = apply(before, delta("a", "m2", "two"));
  const [oldFirst, oldSecond] = viewOf(before, "a").turns[0]?.items ?? [];
  const [first, second] = viewOf(after, "a").turns[0]?.items ?? [];
  expect(first).toBe(oldFirst);
  expect(second).not.toBe(oldSecond);
});

test("a page that missed 500 deltas ends with the same text as one that saw them", () => {
  const words = Array.from({ length: 1_000 }, (_, index) => `w${index} `);
  const text = words.join("");
  const deltas = words.map((word) => delta("a", "m", word));
  const end = [
    completed("a", message("m", text)),
    pushed("turn/completed", {
      threadId: "a",
      turn: turn("u1", { status: "completed", items: [message("m", text)], itemsView: "summary" }),
    }),
  ];
  const start = [started("a", message("m", "", null))];
  const watched = apply(opened("a"), ...start, ...deltas, ...end);
  const gone = apply(opened("a"), ...start, ...deltas.slice(0, 250));
  const history = turn("u1", { items: [message("m", words.slice(0, 750).join(""), null)] });
  const cameBack = apply(
    gone,
    { kind: "connected" },
    resumed("a", [history]),
    ...deltas.slice(750),
    ...end,
  );
  expect(shownTexts(cameBack, "a")).toEqual([text]);
  expect(shownTexts(cameBack, "a")).toEqual(shownTexts(watched, "a"));
});

test("resuming in the middle of a message goes on from the answer's text", () => {
  const state = apply(
    opened("a"),
    resumed("a", [turn("u1", { items: [message("m", "So far", null)] })]),
    delta("a", "m", ", so good"),
  );
  expect(shownTexts(state, "a")).toEqual(["So far, so good …"]);
});

test("a message whose start was missed shows from its first delta on", () => {
  const state = apply(opened("a"), delta("a", "m", "tail"));
  expect(shownTexts(state, "a")).toEqual(["tail …"]);
  expect(shownTexts(apply(state, completed("a", message("m", "the tail"))), "a")).toEqual([
    "the tail",
  ]);
});

test("two threads that stream at once keep their own text", () => {
  const state = apply(
    opened("a", "b"),
    started("a", message("m", "", null)),
    started("b", message("m", "", null)),
    delta("a", "m", "A1"),
    delta("b", "m", "B1"),
    delta("a", "m", "A2"),
    delta("b", "m", "B2"),
  );
  expect([shownTexts(state, "a"), shownTexts(state, "b")]).toEqual([["A1A2 …"], ["B1B2 …"]]);
});

const output = (text: string) =>
  pushed("item/commandExecution/outputDelta", {
    threadId: "a",
    turnId: "u1",
    itemId: "c",
    delta: text,
  });

test("a command's output streams and its completion replaces it", () => {
  const running = apply(opened("a"), started("a", command("c")), output("git "), output("vers"));
  expect(shownTexts(running, "a")).toEqual(["$ git vers …"]);
  const item = command("c", {
    status: "completed",
    aggregatedOutput: "git version 2\n",
    exitCode: 0,
  });
  expect(shownTexts(apply(running, completed("a", item)), "a")).toEqual(["$ git version 2\n"]);
});

test("reasoning summaries grow part by part", () => {
  const params = { threadId: "a", turnId: "u1", itemId: "r" };
  const state = apply(
    opened("a"),
    pushed("item/reasoning/summaryTextDelta", { ...params, summaryIndex: 0, delta: "First" }),
    pushed("item/reasoning/summaryPartAdded", { ...params, summaryIndex: 1 }),
    pushed("item/reasoning/summaryTextDelta", { ...params, summaryIndex: 1, delta: "Second" }),
  );
  expect(viewOf(state, "a").turns[0]?.items[0]?.item).toEqual({
    type: "reasoning",
    id: "r",
    summary: ["First", "Second"],
    content: [],
  });
});

test("a notification that is new to this version, or of a thread that is not open, changes nothing", () => {
  const state = opened("a");
  expect(apply(state, pushed("some/thing/new", { threadId: "a" }))).toBe(state);
  expect(apply(state, delta("z", "m", "x"))).toBe(state);
});

test("an interrupted turn keeps what came and stops streaming", () => {
  const state = apply(
    opened("a"),
    started("a", message("m", "", null)),
    delta("a", "m", "half"),
    pushed("turn/completed", { threadId: "a", turn: turn("u1", { status: "interrupted" }) }),
  );
  expect(shownTexts(state, "a")).toEqual(["half"]);
  expect(viewOf(state, "a").turns[0]?.status).toBe("interrupted");
});

test("an error that is retried goes away with the next sign of life, a final one stays", () => {
  const error = {
    message: "stream cut",
    codexErrorInfo: null,
    additionalDetails: null,
    misalignment: null,
  };
  const params = { threadId: "a", turnId: "u1", error };
  const retrying = apply(opened("a"), pushed("error", { ...params, willRetry: true }));
  expect(viewOf(retrying, "a").turns[0]).toMatchObject({ retrying: error, error: null });
  const alive = apply(retrying, delta("a", "m", "again"));
  expect(viewOf(alive, "a").turns[0]).toMatchObject({ retrying: null, error: null });
  const failed = apply(
    alive,
    pushed("error", { ...params, willRetry: false }),
    pushed("turn/completed", { threadId: "a", turn: turn("u1", { status: "failed", error }) }),
  );
  expect(viewOf(failed, "a").turns[0]).toMatchObject({ status: "failed", error });
});

test("half an answer goes when the model is asked anew, a whole one stays", () => {
  const error = {
    message: "stream cut",
    codexErrorInfo: null,
    additionalDetails: null,
    misalignment: null,
  };
  const state = apply(
    opened("a"),
    completed("a", message("m1", "whole")),
    started("a", message("m2", "", null)),
    delta("a", "m2", "hal"),
    pushed("error", { threadId: "a", turnId: "u1", error, willRetry: true }),
  );
  expect(shownTexts(state, "a")).toEqual(["whole"]);
});

test("output is shown as a terminal would leave it", () => {
  expect(plainOutput("\u001B[32mok\u001B[0m\r\n10%\r50%\r100%\r\n\u001B]0;title\u0007end")).toBe(
    "ok\n100%\nend",
  );
});

test("durations are short", () => {
  expect([41, 2_340, 12_000, 185_000].map(durationText)).toEqual([
    "41 ms",
    "2.3 s",
    "12 s",
    "3 min 5 s",
  ]);
});
