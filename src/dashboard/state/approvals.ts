/** The questions that wait for an answer. */
import type { Role } from "../../protocol/principal.ts";
import type { ApprovalChallenge } from "../../protocol/signed-approval.ts";
import type { AnswerRefusal, Approval, ApprovalRequest, HostView } from "./host-view.ts";

export function withApproval(state: HostView, request: ApprovalRequest): HostView {
  const { connection } = state;
  const before = state.approvals.find((known) => known.id === request.id);
  const refusal = before?.connection === connection ? before.refusal : null;
  const asked: Approval = { ...request, connection, answered: null, refusal };
  if (refusal === null) {
    const others = state.approvals.filter((known) => known.id !== request.id);
    return { ...state, approvals: [...others, asked] };
  }
  // It was put again after an answer that did not count, and keeps its place.
  return {
    ...state,
    approvals: state.approvals.map((known) => (known === before ? asked : known)),
  };
}

/** The answer of this page did not count: it may be given again. */
export const withRefusal = (
  state: HostView,
  id: Approval["id"],
  refusal: AnswerRefusal,
): HostView => ({
  ...state,
  approvals: state.approvals.map((known) =>
    known.id === id ? { ...known, answered: null, refusal } : known,
  ),
});

export const withAnswer = (
  state: HostView,
  id: Approval["id"],
  answered: Approval["answered"],
): HostView => ({
  ...state,
  approvals: state.approvals.map((known) =>
    known.id === id ? { ...known, answered, refusal: null } : known,
  ),
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

/** What this device has to sign to allow it; undefined when its word is enough. */
export function challengeFor(
  { params }: Approval,
  role: Role | null,
): ApprovalChallenge | undefined {
  const challenge = params.farhelmSignature;
  return role !== null && challenge?.requiredOf.includes(role) === true ? challenge : undefined;
}

export const approvalsOf = (state: HostView, threadId: string): readonly Approval[] =>
  state.approvals.filter(({ params }) => params.threadId === threadId);

function keep(state: HostView, holds: (approval: Approval) => boolean): HostView {
  const approvals = state.approvals.filter(holds);
  return approvals.length === state.approvals.length ? state : { ...state, approvals };
}
