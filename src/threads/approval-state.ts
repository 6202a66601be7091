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

export type ApprovalState =
  | { readonly kind: "pending" }
  | { readonly kind: "resolved"; readonly decision: CommandDecision }
  | { readonly kind: "failed" }
  | { readonly kind: "withdrawn" };

export type ApprovalEvent =
  | { readonly kind: "answered"; readonly decision: CommandDecision }
  | { readonly kind: "garbled" }
  | { readonly kind: "withdrawn" };

/** The state after `event`, or undefined if the event has no meaning in this state. */
export function nextApprovalState(
  state: ApprovalState,
  event: ApprovalEvent,
): ApprovalState | undefined {
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

function fromPending(event: ApprovalEvent): ApprovalState {
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
