import type { Actor } from "../audit/port.ts";
import type { Answerer } from "../auth/port.ts";
import type { RequestId } from "../protocol/ids.ts";
import type { ApprovalDesk } from "./approval-desk.ts";
import type { LoadedThreads } from "./loaded-threads.ts";
import type {
  AnswerOutcome,
  ClientAnswer,
  ServerRequests,
  WaitingRequest,
} from "./connections-port.ts";

/** What waits at the desk, with the threads that it belongs to. */
export class WaitingRequests implements ServerRequests {
  readonly #desk: ApprovalDesk;
  readonly #loaded: LoadedThreads;

  constructor(desk: ApprovalDesk, loaded: LoadedThreads) {
    this.#desk = desk;
    this.#loaded = loaded;
  }

  inbox(): readonly WaitingRequest[] {
    return this.#desk.waiting().flatMap((request) => {
      const thread = this.#loaded.get(request.threadId);
      return thread ? [{ ...request, threadName: thread.name, cwd: thread.settings.cwd }] : [];
    });
  }

  answer(requestId: RequestId, outcome: ClientAnswer, by: Answerer): AnswerOutcome {
    return this.#desk.answer(requestId, outcome, by);
  }

  refuseAnswer(requestId: RequestId, by: Actor): void {
    this.#desk.refuseAnswer(requestId, by);
  }
}
