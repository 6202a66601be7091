import { useEffect, useRef } from "react";
import { answerApproval } from "../host/actions.ts";
import { useDashboard } from "../host/store.ts";
import type { Approval } from "../state/host-view.ts";
import { mayApprove } from "../state/role-rights.ts";
import { ApprovalSubject } from "./approval-subject.tsx";

export function ApprovalCard(props: { readonly approval: Approval; readonly total: number }) {
  const { approval, total } = props;
  const root = useRef<HTMLElement>(null);
  const current = useDashboard(
    ({ connection, host }) =>
      connection.kind === "connected" && host.connection === approval.connection,
  );
  const allowed = useDashboard(({ role }) => mayApprove(role));
  useEffect(() => {
    // The focus comes here only from nowhere: someone who types or reads elsewhere is not pulled away,
    // and it lands on the card, not on a button, so that a key meant for something else accepts nothing.
    if (document.activeElement === document.body) root.current?.focus({ preventScroll: true });
  }, []);
  const ready = current && allowed && approval.answered === null;
  return (
    <section
      className="approval"
      ref={root}
      tabIndex={-1}
      role="group"
      aria-labelledby={`approval-${approval.id}`}
    >
      <header className="approval-head">
        <h2 id={`approval-${approval.id}`}>
          {approval.method === "item/commandExecution/requestApproval"
            ? "Run this command?"
            : "Make these changes?"}
        </h2>
        {total > 1 && <span className="approval-count">1 of {total}</span>}
      </header>
      <ApprovalSubject approval={approval} />
      <div className="actions approval-actions">
        <button
          type="button"
          className="button primary"
          disabled={!ready}
          onClick={() => answerApproval(approval, "accept")}
        >
          Accept
        </button>
        <button
          type="button"
          className="button"
          disabled={!ready}
          onClick={() => answerApproval(approval, "acceptForSession")}
        >
          Accept for this session
        </button>
        <button
          type="button"
          className="button danger"
          disabled={!ready}
          onClick={() => answerApproval(approval, "decline")}
        >
          Decline
        </button>
      </div>
      <ApprovalNote approval={approval} current={current} allowed={allowed} />
    </section>
  );
}

function ApprovalNote(props: {
  readonly approval: Approval;
  readonly current: boolean;
  readonly allowed: boolean;
}) {
  if (!props.allowed) {
    return (
      <p className="fine">This device may watch, but not approve. An admin can change its role.</p>
    );
  }
  if (!props.current)
    return <p className="fine">Not connected. It is asked again when the connection is back.</p>;
  return props.approval.answered === null ? null : (
    <p className="fine">Answered, waiting for the host…</p>
  );
}
