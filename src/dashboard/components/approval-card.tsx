import { useEffect, useMemo, useRef, useState } from "react";
import type { ApprovalChallenge } from "../../protocol/signed-approval.ts";
import { useDashboard } from "../host/store.ts";
import { commandSubject } from "../state/approval-subject.ts";
import { challengeFor } from "../state/approvals.ts";
import { itemOf } from "../state/find-item.ts";
import type { Approval } from "../state/host-view.ts";
import { mayApprove } from "../state/role-rights.ts";
import { beginningOf } from "../state/visible-text.ts";
import { ApprovalChoices } from "./approval-choices.tsx";
import { ApprovalGains } from "./approval-gains.tsx";
import { ApprovalSignature, usePatchMatches } from "./approval-signature.tsx";
import { ApprovalSubject } from "./approval-subject.tsx";

const titles: Record<Approval["method"], string> = {
  "item/commandExecution/requestApproval": "Run this command?",
  "item/fileChange/requestApproval": "Make these changes?",
  "item/permissions/requestApproval": "Give the agent more permissions?",
};

/** What is signed counts, where something is. */
function titleOf(approval: Approval, payload: ApprovalChallenge["payload"] | undefined): string {
  const reaches = payload
    ? payload.kind === "command" && payload.reaches !== undefined
    : (approval.gains?.hosts.length ?? 0) > 0;
  return reaches ? "Let this command reach a host?" : titles[approval.method];
}

export function ApprovalCard(props: { readonly approval: Approval; readonly total: number }) {
  const { approval, total } = props;
  const { threadId, itemId } = approval.params;
  const root = useRef<HTMLElement>(null);
  const role = useDashboard((state) => state.role);
  const current = useDashboard(
    ({ connection, host }) =>
      connection.kind === "connected" && host.connection === approval.connection,
  );
  const found = useDashboard(({ host }) => itemOf(host.views.get(threadId), itemId));
  const item = found?.type === "fileChange" ? found : undefined;
  const [all, setAll] = useState(false);
  const challenge = challengeFor(approval, role);
  const matches = usePatchMatches(challenge, item?.changes);
  const isCut = useMemo(
    () =>
      approval.method === "item/commandExecution/requestApproval" &&
      beginningOf(commandSubject(approval, challenge).text).whole !== undefined,
    [approval, challenge],
  );
  useEffect(() => {
    // The focus comes here only from nowhere: someone who types or reads elsewhere is not pulled away,
    // and it lands on the card, not on a button, so that a key meant for something else accepts nothing.
    if (document.activeElement === document.body) root.current?.focus({ preventScroll: true });
  }, []);
  const gainsId = `approval-gains-${approval.id}`;
  const allowed = mayApprove(role);
  const unread = challenge !== undefined && isCut && !all;
  const ready = current && allowed && approval.answered === null;
  const note = noteOf({ approval, allowed, current, unread, matches });
  return (
    <section
      className="approval"
      ref={root}
      tabIndex={-1}
      role="group"
      aria-labelledby={`approval-${approval.id}`}
      aria-describedby={gainsId}
    >
      <header className="approval-head">
        <h2 id={`approval-${approval.id}`}>{titleOf(approval, challenge?.payload)}</h2>
        {total > 1 && <span className="approval-count">1 of {total}</span>}
      </header>
      <ApprovalSubject {...{ approval, challenge, item, all }} onAll={() => setAll(true)} />
      <ApprovalGains {...{ approval, challenge }} id={gainsId} />
      {challenge !== undefined && <ApprovalSignature challenge={challenge} />}
      <ApprovalChoices
        approval={approval}
        ready={ready}
        accepts={ready && !unread && matches === true}
      />
      {approval.refusal !== null && (
        <p className="approval-refusal" role="alert">
          {approval.refusal.message} {approval.refusal.nextStep}
        </p>
      )}
      {note !== null && <p className="fine">{note}</p>}
    </section>
  );
}

/** Why a button is out of reach, or what is going on. */
function noteOf(facts: {
  readonly approval: Approval;
  readonly allowed: boolean;
  readonly current: boolean;
  readonly unread: boolean;
  readonly matches: boolean | undefined;
}): string | null {
  if (!facts.allowed)
    return "This device may watch, but not approve. An admin can change its role.";
  if (!facts.current) return "Not connected. It is asked again when the connection is back.";
  if (facts.approval.answered !== null) return "Answered, waiting for the host…";
  if (facts.unread) return "What is signed has to be seen first: show all of it.";
  if (facts.matches === false)
    return "The changes on this page are not those that would be signed. Reload the page, or decline.";
  return null;
}
