/*
 * One question to the people who watch a thread.
 *
 *   pending ──answered──► resolved (a decision)
 *      ├──garbled───────► failed   (an answer that is an error or makes no sense)
 *      └──withdrawn─────► withdrawn (the turn ended first)
 *
 * All but pending are final: a later answer has no effect.
 */
import type { CommandDecision } from "../protocol/server-requests.ts";
import { unreachable } from "../util/unreachable.ts";

export type ApprovalState<Answer = CommandDecision> =
  | { readonly kind: "pending" }
  | { readonly kind: "resolved"; readonly decision: Answer }
  | { readonly kind: "failed" }
  | { readonly kind: "withdrawn" };

export type ApprovalEvent<Answer = CommandDecision> =
  | { readonly kind: "answered"; readonly decision: Answer }
  | { readonly kind: "garbled" }
  | { readonly kind: "withdrawn" };

/** The state after `event`, or undefined if the event has no meaning in this state. */
export function nextApprovalState<Answer>(
  state: ApprovalState<Answer>,
  event: ApprovalEvent<Answer>,
): ApprovalState<Answer> | undefined {
  switch (state.kind) {
    case "pending":
      return fromPending(event);
    case "resolved":
    case "failed":
    case "withdrawn":
      return undefined;
    default:
      return unreachable(state);
  }
}

function fromPending<Answer>(event: ApprovalEvent<Answer>): ApprovalState<Answer> {
  switch (event.kind) {
    case "answered":
      return { kind: "resolved", decision: event.decision };
    case "garbled":
      return { kind: "failed" };
    case "withdrawn":
      return { kind: "withdrawn" };
    default:
      return unreachable(event);
  }
}
