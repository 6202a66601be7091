import type { z } from "zod";
import type { Actor, Audit, AuditAct } from "../audit/port.ts";
import { by as byActor } from "../audit/port.ts";
import type { Publisher } from "../events/port.ts";
import type { ServerRequestSpec } from "../protocol/define.ts";
import type { RequestId, ThreadId } from "../protocol/ids.ts";
import { dynamicToolCall } from "../protocol/server-requests.ts";
import { isRecord } from "../util/is-record.ts";
import { textFrame } from "../util/text-frame.ts";
import type { CatchUpFrame } from "./port.ts";
import type { ApprovalEvent, ApprovalState } from "./approval-state.ts";
import { nextApprovalState } from "./approval-state.ts";

interface Pending {
  readonly threadId: ThreadId;
  readonly spec: ServerRequestSpec;
  readonly frame: Buffer;
  /** The ids by which people find the question: thread, turn, item. */
  readonly about: Readonly<Record<string, string>>;
  answer(outcome: Outcome, by: Actor): void;
}

type Outcome = { readonly result: unknown } | { readonly error: unknown };

/** Every question that waits for an answer, over all threads. Ids are numbers, unique on this host and on every connection the same. */
export class ApprovalDesk {
  readonly #publisher: Publisher;
  readonly #audit: Audit;
  readonly #pending = new Map<RequestId, Pending>();
  #nextId = 0;

  constructor(publisher: Publisher, audit: Audit) {
    this.#publisher = publisher;
    this.#audit = audit;
  }

  /**
   * Asks the thread's subscribers and resolves with how it ended. `signal` withdraws the question.
   * The others are told with `serverRequest/resolved` before this resolves, save of tool calls.
   */
  ask<Answer>(
    threadId: ThreadId,
    spec: ServerRequestSpec<string, z.ZodType, z.ZodType<Answer>>,
    params: object,
    signal: AbortSignal,
  ): Promise<ApprovalState<Answer>> {
    const requestId = this.#nextId++;
    const about = { request: spec.name, ...idsOf(params) };
    const frame = textFrame(JSON.stringify({ method: spec.name, id: requestId, params }));
    return new Promise((resolve) => {
      let state: ApprovalState<Answer> = { kind: "pending" };
      const apply = (event: ApprovalEvent<Answer>): void => {
        const next = nextApprovalState(state, event);
        if (!next) return;
        state = next;
        this.#pending.delete(requestId);
        signal.removeEventListener("abort", withdraw);
        this.#publisher.resolved(threadId, requestId, spec.name !== dynamicToolCall.name);
        resolve(next);
      };
      const withdraw = (): void => apply({ kind: "withdrawn" });
      this.#pending.set(requestId, {
        threadId,
        spec,
        frame,
        about,
        answer: (outcome, by) => {
          const parsed = "result" in outcome ? spec.result.safeParse(outcome.result) : undefined;
          const known = parsed?.success ? decisionOf(parsed.data) : {};
          this.#audit.add({
            act: actOf(spec),
            outcome: parsed?.success ? "done" : "failed",
            ...(parsed?.success ? {} : { code: "garbled" }),
            ...byActor(by),
            about: { ...about, ...known },
          });
          apply(
            parsed?.success ? { kind: "answered", decision: parsed.data } : { kind: "garbled" },
          );
        },
      });
      this.#publisher.ask(threadId, requestId, frame, spec.role);
      if (signal.aborted) withdraw();
      else signal.addEventListener("abort", withdraw, { once: true });
    });
  }

  /** A client's answer; false: nothing of that id waits. */
  answer(requestId: RequestId, outcome: Outcome, by: Actor): boolean {
    const pending = this.#pending.get(requestId);
    pending?.answer(outcome, by);
    return pending !== undefined;
  }

  /** Somebody answered who had not been asked: nothing happens, and it is written down. */
  refuseAnswer(requestId: RequestId, by: Actor): void {
    const pending = this.#pending.get(requestId);
    if (pending === undefined) return;
    const { spec, about } = pending;
    const entry = { act: actOf(spec), outcome: "denied" as const, code: "not_asked" };
    this.#audit.add({ ...entry, ...byActor(by), about });
  }

  /** What waits in this thread, oldest first, to be shown to one who just came. */
  waitingIn(threadId: ThreadId): readonly CatchUpFrame[] {
    return [...this.#pending]
      .filter(([, pending]) => pending.threadId === threadId)
      .map(([requestId, { spec, frame }]) => ({
        method: spec.name,
        frame,
        ask: { requestId, role: spec.role },
      }));
  }
}

const actOf = ({ name }: ServerRequestSpec): AuditAct =>
  name === dynamicToolCall.name ? "tool.answer" : "approval.answer";

function idsOf(params: object): Readonly<Record<string, string>> {
  const ids = ["threadId", "turnId", "itemId", "callId"].map((name): [string, unknown] => [
    name,
    Reflect.get(params, name),
  ]);
  return Object.fromEntries(
    ids.filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

/** The decision's name without what it may carry; nothing for answers that are no decision. */
function decisionOf(answer: unknown): { decision?: string } {
  const decision = isRecord(answer) ? answer["decision"] : undefined;
  if (typeof decision === "string") return { decision };
  const [name] = isRecord(decision) ? Object.keys(decision) : [];
  return name === undefined ? {} : { decision: name };
}
