/** The questions that wait for an answer. */
import type { Approval, ApprovalRequest, HostView } from "./host-view.ts";

export function withApproval(state: HostView, request: ApprovalRequest): HostView {
  const others = state.approvals.filter((known) => known.id !== request.id);
  const asked: Approval = { ...request, connection: state.connection, answered: null };
  return { ...state, approvals: [...others, asked] };
}

export const withAnswer = (
  state: HostView,
  id: Approval["id"],
  answered: NonNullable<Approval["answered"]>,
): HostView => ({
  ...state,
  approvals: state.approvals.map((known) => (known.id === id ? { ...known, answered } : known)),
});

export const withoutApproval = (
  state: HostView,
  threadId: string,
  requestId: Approval["id"],
): HostView => keep(state, ({ id, params }) => id !== requestId || params.threadId !== threadId);

export const withoutApprovalsOfItem = (
  state: HostView,
  threadId: string,
  itemId: string,
): HostView =>
  keep(state, ({ params }) => params.threadId !== threadId || params.itemId !== itemId);

export const withoutApprovalsOfTurn = (state: HostView, turnId: string): HostView =>
  keep(state, ({ params }) => params.turnId !== turnId);

/** A thread that is not watched hears nothing of its questions; opening it again brings those that still wait. */
export const withoutApprovalsOf = (state: HostView, threadId: string): HostView =>
  keep(state, ({ params }) => params.threadId !== threadId);

/** After a resume the host asks again what still waits; what an earlier connection brought is void. */
export const withoutStaleApprovals = (state: HostView, threadId: string): HostView =>
  keep(
    state,
    ({ params, connection }) => params.threadId !== threadId || connection === state.connection,
  );

export const approvalsOf = (state: HostView, threadId: string): readonly Approval[] =>
  state.approvals.filter(({ params }) => params.threadId === threadId);

function keep(state: HostView, holds: (approval: Approval) => boolean): HostView {
  const approvals = state.approvals.filter(holds);
  return approvals.length === state.approvals.length ? state : { ...state, approvals };
}
