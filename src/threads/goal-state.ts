/**
 * What becomes of a goal's status.
 *
 *            interrupted                      completed, or set by a client
 *   active ──────────────▶ paused                any ────────▶ complete
 *     │ ▲                    │
 *     │ └────────────────────┘ resumed
 *     │ spent: the budget is used up
 *     ▼
 *   budgetLimited          blocked, usageLimited: set by a client alone
 *
 * A client may set any status; `active` is `budgetLimited` at once where the budget is used up.
 */
import type { GoalStatus } from "../protocol/goal.ts";
import { unreachable } from "../util/unreachable.ts";

export type GoalEvent =
  /** `isSpent`: the budget is used up. */
  | { readonly kind: "set"; readonly status: GoalStatus; readonly isSpent: boolean }
  | { readonly kind: "spent"; readonly isSpent: boolean }
  /** A person stopped a turn. */
  | { readonly kind: "interrupted" }
  /** A person came back to the thread. */
  | { readonly kind: "resumed" }
  /** The agent says that it is done. */
  | { readonly kind: "completed" };

export function nextGoalStatus(status: GoalStatus, event: GoalEvent): GoalStatus {
  switch (event.kind) {
    case "set":
      return event.status === "active" && event.isSpent ? "budgetLimited" : event.status;
    case "spent":
      return status === "active" && event.isSpent ? "budgetLimited" : status;
    case "interrupted":
      return status === "active" ? "paused" : status;
    case "resumed":
      return status === "paused" ? "active" : status;
    case "completed":
      return "complete";
    default:
      return unreachable(event);
  }
}
