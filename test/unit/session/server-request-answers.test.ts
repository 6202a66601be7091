import { describe, expect, it } from "vitest";
import type { EventHub } from "../../../src/events/event-hub.ts";
import { ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import type { Role } from "../../../src/protocol/principal.ts";
import type { SessionEnd } from "../../../src/session/port.ts";
import { textFrame } from "../../../src/util/text-frame.ts";
import { tick } from "../../helpers/memory-socket.ts";
import { sessionBench } from "../../helpers/session-bench.ts";

const a = ThreadId.parse("a");
const b = ThreadId.parse("b");

const ask = (hub: EventHub, id: number, role: Role = "approver"): void =>
  hub.ask(a, id, textFrame(JSON.stringify({ method: "item/x", id, params: {} })), role);

const answer = (session: SessionEnd, id: number | string, outcome: object): void =>
  session.received(JSON.stringify({ id, ...outcome }));

describe("answers to server requests", () => {
  it("count from a connection that was asked, once", async () => {
    const { hub, watcher, answers } = sessionBench();
    const { session } = await watcher([a]);
    ask(hub, 3);
    await tick();
    answer(session, 3, { result: { decision: "accept" } });
    answer(session, 3, { result: { decision: "decline" } });
    expect(answers).toEqual([[3, { result: { decision: "accept" } }]]);
  });

  it("count when they are errors too", async () => {
    const { hub, watcher, answers } = sessionBench();
    const { session } = await watcher([a]);
    ask(hub, 3);
    await tick();
    answer(session, 3, { error: { code: -1, message: "no" } });
    expect(answers).toEqual([[3, { error: { code: -1, message: "no" } }]]);
  });

  it("do not count from one that was not asked: a stranger, a viewer, another id or type of id", async () => {
    const { hub, watcher, answers } = sessionBench();
    const asked = await watcher([a]);
    const stranger = await watcher([b]);
    const viewer = await watcher([a], { role: "viewer" });
    ask(hub, 3);
    await tick();
    expect(viewer.socket.sent).toEqual([]);
    answer(stranger.session, 3, { result: 1 });
    answer(viewer.session, 3, { result: 1 });
    answer(asked.session, 4, { result: 1 });
    answer(asked.session, "3", { result: 1 });
    expect(answers).toEqual([]);
  });

  it("do not count after the request was resolved", async () => {
    const { hub, watcher, answers } = sessionBench();
    const { session, socket } = await watcher([a]);
    ask(hub, 3);
    hub.resolved(a, 3);
    await tick();
    answer(session, 3, { result: 1 });
    expect([answers, socket.trace]).toEqual([[], ["item/x", "serverRequest/resolved"]]);
  });

  it("count from the role that the request asks for, which others are not even shown", async () => {
    const { hub, watcher, answers } = sessionBench();
    const approver = await watcher([a], { role: "approver" });
    const operator = await watcher([a], { role: "operator" });
    ask(hub, 4, "operator");
    await tick();
    answer(approver.session, 4, { result: "approver" });
    answer(operator.session, 4, { result: "operator" });
    expect(answers).toEqual([[4, { result: "operator" }]]);
    expect([approver.socket.trace, operator.socket.trace]).toEqual([[], ["item/x"]]);
  });

  it("count after a request was shown anew to one who came late", async () => {
    const { watcher, answers, owed } = sessionBench();
    const frame = textFrame('{"method":"item/x","id":5,"params":{}}');
    owed.push({ frame, method: "item/x", ask: { requestId: 5, role: "approver", changed: false } });
    const approver = await watcher([a], { role: "approver" });
    const viewer = await watcher([a], { role: "viewer" });
    answer(viewer.session, 5, { result: 1 });
    answer(approver.session, 5, { result: 2 });
    expect(answers).toEqual([[5, { result: 2 }]]);
  });

  describe("that the host refuses", () => {
    const refused = {
      kind: "refused",
      threadId: a,
      turnId: TurnId.parse("u"),
      code: "approval_signature_missing",
      message: "It is not signed.",
      nextStep: "Sign it.",
      again: undefined,
      inWords: false,
    } as const;

    it("are told of to this connection alone, which may answer again", async () => {
      const { hub, watcher, answers, ruling } = sessionBench();
      const [first, second] = [await watcher([a]), await watcher([a])];
      ask(hub, 3);
      await tick();
      ruling.outcome = refused;
      answer(first.session, 3, { result: 1 });
      ruling.outcome = { kind: "taken" };
      answer(first.session, 3, { result: 2 });
      answer(first.session, 3, { result: 3 });
      await tick();
      expect(answers.length).toBe(2);
      expect(first.socket.sent.at(-1)).toMatchObject({
        method: "farhelm/approval/refused",
        params: {
          threadId: a,
          requestId: 3,
          code: "approval_signature_missing",
          message: "It is not signed.",
          nextStep: "Sign it.",
        },
      });
      expect(second.socket.trace).toEqual(["item/x"]);
    });

    it("are followed by words that any client shows, and by the question as it is now", async () => {
      const { hub, watcher, ruling } = sessionBench();
      const { session, socket } = await watcher([a]);
      ask(hub, 3);
      await tick();
      const again = textFrame('{"method":"item/x","id":3,"params":{"nonce":"new"}}');
      ruling.outcome = { ...refused, again, inWords: true };
      answer(session, 3, { result: 1 });
      await tick();
      expect(socket.trace).toEqual([
        "item/x",
        "farhelm/approval/refused",
        "warning",
        "error",
        "item/x",
      ]);
      expect(socket.sent[2]?.params).toEqual({
        threadId: a,
        message: "It is not signed. Sign it.",
      });
      expect(socket.sent[3]?.params).toMatchObject({
        threadId: a,
        turnId: "u",
        willRetry: true,
        error: { message: "It is not signed.", additionalDetails: "Sign it." },
      });
    });

    it("end the connection when there are twenty in a minute", async () => {
      const { hub, watcher, ruling } = sessionBench();
      const { session, socket } = await watcher([a]);
      ask(hub, 3);
      await tick();
      ruling.outcome = refused;
      for (let count = 1; count < 20; count += 1) answer(session, 3, { result: 1 });
      expect(socket.closes).toEqual([]);
      answer(session, 3, { result: 1 });
      expect(socket.closes).toEqual([
        { reason: "policyViolation", message: "20 answers in a minute that did not count" },
      ]);
    });
  });
});
