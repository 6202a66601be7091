import { useMemo } from "react";
import type { ApprovalChallenge } from "../../protocol/signed-approval.ts";
import { gainWords } from "../state/approval-gains.ts";
import type { Approval } from "../state/host-view.ts";
import { VisibleText } from "./visible-text.tsx";

/** What the answer would change; `id` names it for the card that it describes. */
export function ApprovalGains(props: {
  readonly approval: Approval;
  readonly challenge: ApprovalChallenge | undefined;
  readonly id: string;
}) {
  const { approval, challenge, id } = props;
  const words = useMemo(() => gainWords(approval, challenge), [approval, challenge]);
  if (words === undefined) return null;
  const { gains, note, isOpen } = words;
  const titleId = `${id}-title`;
  return (
    <section
      className={`approval-gains ${isOpen ? "open" : gains.length > 0 ? "new" : ""}`}
      id={id}
      aria-labelledby={titleId}
    >
      <h3 id={titleId}>
        {gains.length > 0
          ? "This would allow what is not allowed now"
          : "This allows nothing that is not allowed now"}
      </h3>
      {gains.length > 0 && (
        <ul aria-labelledby={titleId}>
          {gains.map(({ text, path }) => (
            <li key={`${text} ${path}`}>
              {path === null ? text : `${text} `}
              {path !== null && (
                <code>
                  <VisibleText text={path} />
                </code>
              )}
            </li>
          ))}
        </ul>
      )}
      {note !== null && <p>{note}</p>}
    </section>
  );
}
