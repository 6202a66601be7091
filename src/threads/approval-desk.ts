import type { z } from "zod";
import type { Actor, Audit } from "../audit/port.ts";
import type {
  Admission,
  Answerer,
  ApprovalGate,
  ApprovalNotary,
  ApprovalSubject,
} from "../auth/port.ts";
import type { Publisher } from "../events/port.ts";
import type { ApprovalGains } from "../protocol/approval-gains.ts";
import { decisionNameOf } from "../protocol/decision-name.ts";
import type { ServerRequestSpec } from "../protocol/define.ts";
import type { ItemId, RequestId, ThreadId, TurnId } from "../protocol/ids.ts";
import type { CountedAnswer } from "../protocol/request-notifications.ts";
import { approvalInboxChanged } from "../protocol/request-notifications.ts";
import { warning } from "../protocol/thread-notifications.ts";
import { dynamicToolCall } from "../protocol/server-requests.ts";
import { textFrame } from "../util/text-frame.ts";
import { AnswerAudit } from "./answer-audit.ts";
import type {
  AnswerOutcome,
  CatchUpFrame,
  ClientAnswer,
  WaitingRequest,
} from "./connections-port.ts";
import type { ApprovalEvent, ApprovalState } from "./approval-state.ts";
import { nextApprovalState } from "./approval-state.ts";

interface Pending {
  readonly threadId: ThreadId;
  readonly turnId: TurnId;
  readonly itemId: ItemId;
  readonly askedAtMs: number;
  readonly spec: ServerRequestSpec;
  readonly gains: ApprovalGains | undefined;
  readonly gate: ApprovalGate | undefined;
  readonly audit: AnswerAudit;
  /** As it is now. */
  readonly question: () => Question;
  /** As it was put. */
  readonly first: Buffer;
  /** `receipt`: what the log says of it beside the decision. */
  answer(outcome: ClientAnswer, by: Actor, receipt: Readonly<Record<string, string>>): void;
}

/** A server request on the wire. */
interface Question {
  readonly params: object;
  readonly frame: Buffer;
}

interface Asking<Answer> {
  readonly threadId: ThreadId;
  readonly turnId: TurnId;
  readonly itemId: ItemId;
  readonly spec: ServerRequestSpec<string, z.ZodType, z.ZodType<Answer>>;
  readonly params: object;
  /** What a yes would allow that is not allowed now. */
  readonly gains?: ApprovalGains;
  readonly signal: AbortSignal;
}

const tooLong =
  "This approval must be signed, and what it asks for is longer than can be signed. It was not allowed.";

const nobodySigns: ApprovalNotary = { gate: () => undefined };
const unsigned: Admission = { kind: "admitted", about: {} };

/** Every question that waits for an answer, over all threads. Ids are numbers, unique on this host and on every connection the same. */
export class ApprovalDesk {
  readonly #publisher: Publisher;
  readonly #audit: Audit;
  readonly #notary: ApprovalNotary;
  readonly #pending = new Map<RequestId, Pending>();
  #nextId = 0;

  constructor(publisher: Publisher, audit: Audit, notary: ApprovalNotary = nobodySigns) {
    this.#publisher = publisher;
    this.#audit = audit;
    this.#notary = notary;
  }

  /**
   * Asks the thread's subscribers and resolves with how it ended. `signal` withdraws the question.
   * The others are told with `serverRequest/resolved` before this resolves, save of tool calls.
   * `subject`: what the answer lets happen, which may have to be signed.
   */
  ask<Answer>(asking: Asking<Answer>, subject?: ApprovalSubject): Promise<ApprovalState<Answer>> {
    const requestId = this.#nextId++;
    const gate = subject && this.#notary.gate(subject, requestId);
    if (gate === "tooLong") {
      const { threadId } = asking;
      this.#publisher.publish(warning, { threadId, message: tooLong });
      return Promise.resolve({ kind: "failed" });
    }
    return new Promise((resolve) => this.#wait(requestId, asking, gate, resolve));
  }

  /** A client's answer. An outcome other than `taken` changes nothing. */
  answer(requestId: RequestId, outcome: ClientAnswer, by: Answerer): AnswerOutcome {
    const pending = this.#pending.get(requestId);
    if (pending === undefined) {
      this.refuseAnswer(requestId, by);
      return { kind: "unknown" };
    }
    const { gate, threadId, audit } = pending;
    const admission: Admission =
      gate && "result" in outcome ? gate.admit(outcome.result, by) : unsigned;
    if (gate && admission.kind === "fault") {
      const { code, message, nextStep, askAgain, inWords } = admission;
      audit.denied(by, code);
      const again = askAgain ? pending.question().frame : undefined;
      const { turnId } = gate.challenge().payload;
      return { kind: "refused", threadId, turnId, code, message, nextStep, inWords, again };
    }
    pending.answer(outcome, by, admission.kind === "admitted" ? admission.about : {});
    return { kind: "taken" };
  }

  /** Somebody answered who was not asked, or too late: nothing happens, and it is written down. */
  refuseAnswer(requestId: RequestId, by: Actor): void {
    const pending = this.#pending.get(requestId);
    if (pending === undefined) AnswerAudit.late(this.#audit, requestId, by);
    else pending.audit.denied(by, "not_asked");
  }

  /** What waits in this thread, oldest first, to be shown to one who just came. */
  waitingIn(threadId: ThreadId): readonly CatchUpFrame[] {
    return [...this.#pending]
      .filter(([, pending]) => pending.threadId === threadId)
      .map(([requestId, { spec, question, first }]) => {
        const { frame } = question();
        const ask = { requestId, role: spec.role, changed: frame !== first };
        return { method: spec.name, frame, ask };
      });
  }

  /** What waits in all threads, oldest first. */
  waiting(): readonly Omit<WaitingRequest, "threadName" | "cwd">[] {
    return [...this.#pending].map(([requestId, pending]) => {
      const { threadId, turnId, itemId, spec, question, askedAtMs, gains } = pending;
      const { params } = question();
      const { name: method, role } = spec;
      const about = { requestId, method, params, askedAtMs, role, ...(gains && { gains }) };
      return { threadId, turnId, itemId, ...about };
    });
  }

  #wait<Answer>(
    requestId: number,
    asking: Asking<Answer>,
    gate: ApprovalGate | undefined,
    resolve: (end: ApprovalState<Answer>) => void,
  ): void {
    const { threadId, turnId, itemId, spec, params, gains, signal } = asking;
    let state: ApprovalState<Answer> = { kind: "pending" };
    const told = spec.name !== dynamicToolCall.name;
    const apply = (event: ApprovalEvent<Answer>, answer?: CountedAnswer): void => {
      const next = nextApprovalState(state, event);
      if (!next) return;
      state = next;
      this.#pending.delete(requestId);
      signal.removeEventListener("abort", withdraw);
      this.#publisher.resolved(threadId, requestId, { told, ...(answer && { answer }) });
      this.#publisher.publish(approvalInboxChanged, { threadId });
      resolve(next);
    };
    const withdraw = (): void => apply({ kind: "withdrawn" });
    const audit = new AnswerAudit(this.#audit, spec, params);
    const question = questionOf(requestId, asking, gate);
    const first = question().frame;
    this.#pending.set(requestId, {
      threadId,
      turnId,
      itemId,
      askedAtMs: Date.now(),
      spec,
      gains,
      gate,
      audit,
      question,
      first,
      answer(outcome, by, receipt) {
        const parsed = "result" in outcome ? spec.result.safeParse(outcome.result) : undefined;
        const { id, name } = by;
        const counted = { by: { id, name }, decision: decisionNameOf(parsed?.data) };
        if (parsed?.success) {
          audit.done(by, parsed.data, receipt);
          apply({ kind: "answered", decision: parsed.data }, counted);
        } else {
          audit.failed(by);
          apply({ kind: "garbled" }, counted);
        }
      },
    });
    this.#publisher.ask(threadId, requestId, first, spec.role);
    this.#publisher.publish(approvalInboxChanged, { threadId });
    if (signal.aborted) withdraw();
    else signal.addEventListener("abort", withdraw, { once: true });
  }
}

/** The request's bytes: made once, and anew when what is to be signed has changed. */
function questionOf(
  id: number,
  { spec, params, gains }: Pick<Asking<unknown>, "params" | "gains"> & Pick<Pending, "spec">,
  gate: ApprovalGate | undefined,
): () => Question {
  let made: (Question & { readonly challenge: object | undefined }) | undefined;
  return () => {
    const challenge = gate?.challenge();
    if (made === undefined || made.challenge !== challenge) {
      const whole = challenge === undefined ? params : { ...params, farhelmSignature: challenge };
      const frame = textFrame(JSON.stringify({ method: spec.name, id, params: whole, gains }));
      made = { challenge, params: whole, frame };
    }
    return made;
  };
}
