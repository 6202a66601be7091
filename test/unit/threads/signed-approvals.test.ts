import { describe, expect, it } from "vitest";
import type { Admission, ApprovalGate, ApprovalSubject } from "../../../src/auth/port.ts";
import { EventHub } from "../../../src/events/event-hub.ts";
import { ItemId, ThreadId, TurnId } from "../../../src/protocol/ids.ts";
import { commandApproval } from "../../../src/protocol/server-requests.ts";
import { ApprovalDesk } from "../../../src/threads/approval-desk.ts";
import { isRecord } from "../../../src/util/is-record.ts";
import { MemoryAudit } from "../../helpers/memory-audit.ts";
import { tick } from "../../helpers/memory-socket.ts";
import { RecordingOutlet, watchFromNow } from "../../helpers/recording-outlet.ts";
import { sentIn } from "../../helpers/text-frames.ts";
import { answerer } from "../../helpers/thread-bench.ts";

const threadId = ThreadId.parse("t");
const ids = { threadId, turnId: TurnId.parse("u"), itemId: ItemId.parse("i") };
const subject = {
  ...ids,
  kind: "command",
  command: ["ls"],
  cwd: "/",
  escalated: true,
} as const satisfies ApprovalSubject;

/** Lets an answer through that repeats the nonce; a challenge is replaced when `expire` was called. */
class NonceGate implements ApprovalGate {
  #nonce = 0;
  #expired = false;
  #challenge = this.#make();

  challenge() {
    if (this.#expired) this.#challenge = this.#make();
    this.#expired = false;
    return this.#challenge;
  }

  expire(): void {
    this.#expired = true;
  }

  admit(result: unknown): Admission {
    const nonce = isRecord(result) ? result["nonce"] : undefined;
    if (nonce === `n${this.#nonce}` && !this.#expired) {
      return { kind: "admitted", about: { receipt: "digest" } };
    }
    const why = { code: "wrong_nonce", message: "It is not this one.", nextStep: "Look." };
    return { kind: "fault", ...why, askAgain: this.#expired, inWords: false };
  }

  #make(): ReturnType<ApprovalGate["challenge"]> {
    this.#nonce += 1;
    const payload = {
      ...subject,
      command: [...subject.command],
      hostId: "h",
      requestId: 0,
      nonce: `n${this.#nonce}`,
      expiresAt: 1,
    };
    return { payload, requiredOf: ["admin"] };
  }
}

function signing(gate: ApprovalGate | "tooLong") {
  const [hub, audit, outlet] = [new EventHub(), new MemoryAudit(), new RecordingOutlet()];
  hub.join(outlet);
  watchFromNow(hub, threadId, outlet);
  const desk = new ApprovalDesk(hub, audit, { gate: () => gate });
  const { signal } = new AbortController();
  const params = { ...ids, command: "ls" };
  const end = desk.ask({ ...ids, spec: commandApproval, params, signal }, subject);
  return { audit, outlet, desk, end };
}

const nonceIn = (frame: Buffer | undefined): unknown =>
  Object(sentIn(frame ?? Buffer.alloc(0))[0]?.params).farhelmSignature.payload.nonce;
const accept = (nonce: string) => ({ result: { decision: "accept", nonce } });

describe("a question whose answer must be signed", () => {
  it("carries what is to be signed, and waits until an answer comes through the gate", async () => {
    const { audit, outlet, desk, end } = signing(new NonceGate());
    await tick();
    expect(outlet.sent[0]).toMatchObject({
      id: 0,
      params: {
        command: "ls",
        farhelmSignature: { payload: { nonce: "n1", command: ["ls"] }, requiredOf: ["admin"] },
      },
    });
    expect(desk.answer(0, accept("other"), answerer)).toEqual({
      kind: "refused",
      threadId,
      turnId: ids.turnId,
      code: "wrong_nonce",
      message: "It is not this one.",
      nextStep: "Look.",
      inWords: false,
      again: undefined,
    });
    expect(desk.waitingIn(threadId).length).toBe(1);
    expect(desk.answer(0, accept("n1"), answerer)).toEqual({ kind: "taken" });
    expect(await end).toEqual({ kind: "resolved", decision: { decision: "accept" } });
    const question = { request: commandApproval.name, ...ids };
    expect(audit.entries.map(({ outcome, code, about }) => [outcome, code, about])).toEqual([
      ["denied", "wrong_nonce", question],
      ["done", undefined, { ...question, decision: "accept", receipt: "digest" }],
    ]);
  });

  it("is put again as it is now to whoever signed what it was, and to whoever comes", async () => {
    const gate = new NonceGate();
    const { desk, end } = signing(gate);
    gate.expire();
    const outcome = desk.answer(0, accept("n1"), answerer);
    if (outcome.kind !== "refused" || outcome.again === undefined) throw new Error(outcome.kind);
    expect(nonceIn(outcome.again)).toBe("n2");
    gate.expire();
    const [late] = desk.waitingIn(threadId);
    expect(nonceIn(late?.frame)).toBe("n3");
    desk.answer(0, accept("n3"), answerer);
    expect(await end).toMatchObject({ kind: "resolved" });
  });

  it("fails on an error, which lets nothing run and needs no signature", async () => {
    const { desk, end } = signing(new NonceGate());
    expect(desk.answer(0, { error: { code: 1 } }, answerer)).toEqual({ kind: "taken" });
    expect(await end).toEqual({ kind: "failed" });
  });

  it("is not asked when it is too long to be signed: it fails, and people are told", async () => {
    const { outlet, desk, end } = signing("tooLong");
    expect(await end).toEqual({ kind: "failed" });
    await tick();
    expect(desk.waitingIn(threadId)).toEqual([]);
    expect(outlet.sent).toMatchObject([
      { method: "warning", params: { threadId, message: expect.stringContaining("signed") } },
    ]);
  });
});
