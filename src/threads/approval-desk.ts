import type { z } from "zod";
import type { Publisher } from "../events/port.ts";
import type { ServerRequestSpec } from "../protocol/define.ts";
import type { RequestId, ThreadId } from "../protocol/ids.ts";
import type { CommandDecision } from "../protocol/server-requests.ts";
import { textFrame } from "../util/text-frame.ts";
import type { ApprovalEvent, ApprovalState } from "./approval-state.ts";
import { nextApprovalState } from "./approval-state.ts";

type ApprovalSpec = ServerRequestSpec<
  string,
  z.ZodType,
  z.ZodType<{ readonly decision: CommandDecision }>
>;

interface Pending {
  readonly threadId: ThreadId;
  readonly spec: ApprovalSpec;
  readonly frame: Buffer;
  state: ApprovalState;
  settle(state: ApprovalState): void;
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
   * The others are told with `serverRequest/resolved` before this resolves.
   */
  ask(
    threadId: ThreadId,
    spec: ApprovalSpec,
    params: object,
    signal: AbortSignal,
  ): Promise<ApprovalState> {
    const requestId = this.#nextId++;
    const frame = textFrame(JSON.stringify({ method: spec.name, id: requestId, params }));
    return new Promise((resolve) => {
      const withdraw = (): void => this.#apply(requestId, { kind: "withdrawn" });
      this.#pending.set(requestId, {
        threadId,
        spec,
        frame,
        state: { kind: "pending" },
        settle: (state) => {
          signal.removeEventListener("abort", withdraw);
          resolve(state);
        },
      });
      this.#publisher.ask(threadId, requestId, frame);
      if (signal.aborted) withdraw();
      else signal.addEventListener("abort", withdraw, { once: true });
    });
  }

  /** A client's answer; false: nothing of that id waits. */
  answer(requestId: RequestId, outcome: { result: unknown } | { error: unknown }): boolean {
    const pending = this.#pending.get(requestId);
    if (!pending) return false;
    const parsed = "result" in outcome ? pending.spec.result.safeParse(outcome.result) : undefined;
    this.#apply(
      requestId,
      parsed?.success ? { kind: "answered", decision: parsed.data.decision } : { kind: "garbled" },
    );
    return true;
  }

  /** What waits in this thread, oldest first, to be shown to one who just came. */
  waitingIn(
    threadId: ThreadId,
  ): readonly { requestId: RequestId; frame: Buffer; method: string }[] {
    return [...this.#pending]
      .filter(([, pending]) => pending.threadId === threadId)
      .map(([requestId, { frame, spec }]) => ({ requestId, frame, method: spec.name }));
  }

  #apply(requestId: RequestId, event: ApprovalEvent): void {
    const pending = this.#pending.get(requestId);
    const next = pending && nextApprovalState(pending.state, event);
    if (!next) return;
    pending.state = next;
    this.#pending.delete(requestId);
    this.#publisher.resolved(pending.threadId, requestId);
    pending.settle(next);
  }
}
