/** Everything that the connection brings, in one order, so that a history and the deltas after it never change places. */
import type { HostNotification, HostRequest } from "../../client/host-api.ts";
import type { Thread } from "../../protocol/thread.ts";
import { unreachable } from "../../util/unreachable.ts";
import { withApproval } from "./approvals.ts";
import type { ApprovalRequest, HostView } from "./host-view.ts";
import { reduceNotification } from "./notifications.ts";
import {
  applyCatchUp,
  applyConnected,
  applyGap,
  applyHistory,
  applyResumeFailure,
} from "./resume.ts";

export type HostEvent =
  | { readonly kind: "connected" }
  | { readonly kind: "notified"; readonly notification: HostNotification }
  | { readonly kind: "asked"; readonly request: HostRequest }
  | { readonly kind: "resumed"; readonly answer: { thread: Thread; model: string | null } }
  /** What the view missed comes next. */
  | { readonly kind: "caughtUp"; readonly threadId: string }
  /** What the view missed cannot be had; the history comes next. */
  | { readonly kind: "gap"; readonly threadId: string; readonly reason: string }
  | { readonly kind: "resumeFailed"; readonly threadId: string; readonly message: string };

export function reduceHostEvent(state: HostView, event: HostEvent): HostView {
  switch (event.kind) {
    case "connected":
      return applyConnected(state);
    case "notified":
      return reduceNotification(state, event.notification);
    case "asked":
      return isApproval(event.request) ? withApproval(state, event.request) : state;
    case "resumed":
      return applyHistory(state, event.answer);
    case "caughtUp":
      return applyCatchUp(state, event.threadId);
    case "gap":
      return applyGap(state, event.threadId, event.reason);
    case "resumeFailed":
      return applyResumeFailure(state, event.threadId, event.message);
    default:
      return unreachable(event);
  }
}

/** Other questions, and those of a later protocol, are left to clients that know them. */
const isApproval = (request: HostRequest): request is ApprovalRequest =>
  request.method === "item/commandExecution/requestApproval" ||
  request.method === "item/fileChange/requestApproval" ||
  request.method === "item/permissions/requestApproval";
