/** What connections need of threads: what they must be told, and what waits for their answers; a part of the threads' port. */
import type { Actor } from "../audit/port.ts";
import type { Answerer } from "../auth/port.ts";
import type { ApprovalGains } from "../protocol/approval-gains.ts";
import type { ItemId, RequestId, ThreadId, TurnId } from "../protocol/ids.ts";
import type { Role } from "../protocol/principal.ts";

/** A ready frame: a notification of `method`, or the server request `ask`. */
export interface CatchUpFrame {
  readonly frame: Buffer;
  readonly method: string;
  readonly ask?: {
    readonly requestId: RequestId;
    readonly role: Role;
    /** It says something else now than when it was put: a new nonce to sign. */
    readonly changed: boolean;
  };
}

/** A server request that waits, for who sees it among those of other threads. */
export interface WaitingRequest {
  readonly threadId: ThreadId;
  readonly threadName: string | null;
  readonly cwd: string;
  readonly turnId: TurnId;
  readonly itemId: ItemId;
  readonly requestId: RequestId;
  readonly method: string;
  /** As they are now. */
  readonly params: object;
  /** What a yes would allow that is not allowed now. */
  readonly gains?: ApprovalGains;
  readonly askedAtMs: number;
  /** The weakest role that may answer it. */
  readonly role: Role;
}

export type ClientAnswer = { readonly result: unknown } | { readonly error: unknown };

/** What became of an answer. `unknown`: nothing of that id waits. `refused`: it does not count, and the question stays open. */
export type AnswerOutcome =
  | { readonly kind: "taken" }
  | { readonly kind: "unknown" }
  | {
      readonly kind: "refused";
      readonly threadId: ThreadId;
      readonly turnId: TurnId;
      readonly code: string;
      readonly message: string;
      readonly nextStep: string;
      /** Set: the request as it is now, for this connection. */
      readonly again: Buffer | undefined;
      /** The client shows no sign that it knows of signatures: it is told in words that such clients show, too. */
      readonly inWords: boolean;
    };

/** The server requests of all threads. */
export interface ServerRequests {
  /** Those that wait for answers, oldest first. */
  inbox(): readonly WaitingRequest[];
  /** A client's answer. */
  answer(requestId: RequestId, outcome: ClientAnswer, by: Answerer): AnswerOutcome;
  /** The answer of one who was not asked: it has no effect but a line in the audit log. */
  refuseAnswer(requestId: RequestId, by: Actor): void;
}

export interface WatchedThreads {
  readonly requests: ServerRequests;
  /** Whether the thread is in memory. */
  isLoaded(id: ThreadId): boolean;
  /** Notifications and pending server requests that one who just subscribed must get. */
  catchUp(id: ThreadId): readonly CatchUpFrame[];
}
