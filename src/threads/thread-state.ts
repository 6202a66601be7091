/*
 * One thread in memory, as clients are told.
 *
 *   idle ──turnStarted──► active ──turnEnded──► idle
 *     ▲                    │  ▲
 *     │             asked  ▼  │ answered
 *     │                 waiting ──turnEnded──► idle
 *     │                    │
 *  turnStarted ◄── systemError ◄──turnFailed── (active, waiting)
 *
 * unload leads from everywhere to notLoaded, which is final: a thread that is loaded again is a new one.
 */
import type { ThreadStatus } from "../protocol/thread.ts";
import { unreachable } from "../util/unreachable.ts";

export type ThreadState =
  | { readonly kind: "idle" }
  | { readonly kind: "active" }
  /** `pending`: how many approvals wait. */
  | { readonly kind: "waiting"; readonly pending: number }
  | { readonly kind: "systemError" }
  | { readonly kind: "notLoaded" };

export type ThreadEvent =
  | { readonly kind: "turnStarted" }
  | { readonly kind: "asked" }
  | { readonly kind: "answered" }
  | { readonly kind: "turnEnded" }
  | { readonly kind: "turnFailed" }
  | { readonly kind: "unload" };

/** The state after `event`, or undefined if the event has no meaning in this state. */
export function nextThreadState(state: ThreadState, event: ThreadEvent): ThreadState | undefined {
  if (state.kind === "notLoaded") return undefined;
  if (event.kind === "unload") return { kind: "notLoaded" };
  switch (state.kind) {
    case "idle":
    case "systemError":
      return event.kind === "turnStarted" ? { kind: "active" } : undefined;
    case "active":
      return event.kind === "asked" ? { kind: "waiting", pending: 1 } : afterTurn(event);
    case "waiting":
      return fromWaiting(state.pending, event);
    default:
      return unreachable(state);
  }
}

function fromWaiting(pending: number, event: ThreadEvent): ThreadState | undefined {
  if (event.kind === "asked") return { kind: "waiting", pending: pending + 1 };
  if (event.kind !== "answered") return afterTurn(event);
  return pending > 1 ? { kind: "waiting", pending: pending - 1 } : { kind: "active" };
}

function afterTurn(event: ThreadEvent): ThreadState | undefined {
  if (event.kind === "turnEnded") return { kind: "idle" };
  return event.kind === "turnFailed" ? { kind: "systemError" } : undefined;
}

/** What the protocol calls the state. */
export function statusOf(state: ThreadState): ThreadStatus {
  switch (state.kind) {
    case "active":
      return { type: "active", activeFlags: [] };
    case "waiting":
      return { type: "active", activeFlags: ["waitingOnApproval"] };
    case "idle":
    case "systemError":
    case "notLoaded":
      return { type: state.kind };
    default:
      return unreachable(state);
  }
}
