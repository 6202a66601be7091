import { answerApproval } from "../host/actions.ts";
import type { Approval } from "../state/host-view.ts";

interface Labels {
  readonly once: string;
  readonly session: string;
  /** What the second button means. */
  readonly hint: string;
}

const labels: Record<Approval["method"], Labels> = {
  "item/commandExecution/requestApproval": {
    once: "Accept",
    session: "Accept for this session",
    hint: "For this session: the same command is not asked about again while the thread is loaded.",
  },
  "item/fileChange/requestApproval": {
    once: "Accept",
    session: "Accept for this session",
    hint: "For this session: these files are not asked about again while the thread is loaded.",
  },
  "item/permissions/requestApproval": {
    once: "Allow for this turn",
    session: "Allow for this session",
    hint: "For this session: while the thread is loaded, and until somebody changes its permissions.",
  },
};

/** Of a command that runs already. */
const reaching: Labels = {
  once: "Accept",
  session: "Accept for this session",
  hint: "For this session: this host is not asked about again while the thread is loaded.",
};

const labelsOf = ({ gains, method }: Approval): Labels =>
  gains !== undefined && gains.hosts.length > 0 ? reaching : labels[method];

/** `ready`: the host can hear an answer; `accepts`: and what it allows was seen. */
export function ApprovalChoices(props: {
  readonly approval: Approval;
  readonly ready: boolean;
  readonly accepts: boolean;
}) {
  const { approval, ready, accepts } = props;
  const { once, session, hint } = labelsOf(approval);
  const hintId = `approval-hint-${approval.id}`;
  return (
    <>
      <div className="actions approval-actions">
        <button
          type="button"
          className="button primary"
          disabled={!accepts}
          onClick={() => void answerApproval(approval, "accept")}
        >
          {once}
        </button>
        <button
          type="button"
          className="button"
          disabled={!accepts}
          aria-describedby={hintId}
          onClick={() => void answerApproval(approval, "acceptForSession")}
        >
          {session}
        </button>
        <button
          type="button"
          className="button danger"
          disabled={!ready}
          onClick={() => void answerApproval(approval, "decline")}
        >
          Decline
        </button>
      </div>
      <p className="fine" id={hintId}>
        {hint}
      </p>
    </>
  );
}
