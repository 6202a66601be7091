import type { z } from "zod";
import type { Publisher } from "../events/port.ts";
import type { ServerRequestSpec } from "../protocol/define.ts";
import type { RequestId, ThreadId } from "../protocol/ids.ts";
import { dynamicToolCall } from "../protocol/server-requests.ts";
import { textFrame } from "../util/text-frame.ts";
import type { CatchUpFrame } from "./port.ts";
import type { ApprovalEvent, ApprovalState } from "./approval-state.ts";
import { nextApprovalState } from "./approval-state.ts";

interface Pending {
  readonly threadId: ThreadId;
  readonly spec: ServerRequestSpec;
  readonly frame: Buffer;
  answer(outcome: { result: unknown } | { error: unknown }): void;
}

/** Every question that waits for an answer, over all threads. Ids are numbers, unique on this host and on every connection the same. */
export class ApprovalDesk {
  readonly #publisher: Publisher;
  readonly #pending = new Map<RequestId, Pending>();
  #nextId = 0;

  constructor(publisher: Publisher) {
    this.#publisher = publisher;
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
        answer(outcome) {
          const parsed = "result" in outcome ? spec.result.safeParse(outcome.result) : undefined;
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
  answer(requestId: RequestId, outcome: { result: unknown } | { error: unknown }): boolean {
    const pending = this.#pending.get(requestId);
    pending?.answer(outcome);
    return pending !== undefined;
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
