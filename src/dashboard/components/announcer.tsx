import { useEffect } from "react";
import { gainWords, spokenGains } from "../state/approval-gains.ts";
import type { Approval } from "../state/host-view.ts";
import { useDashboard } from "../host/store.ts";
import { waitingCount } from "../state/thread-list.ts";
import { connectionWord } from "../state/connection-label.ts";

/** Says to screen readers what changed elsewhere on the page, and counts in the title the threads that wait for someone. */
export function Announcer() {
  const approvals = useDashboard((state) => state.host.approvals);
  const word = useDashboard((state) => connectionWord(state.connection));
  const open = approvals.filter(({ answered }) => answered === null);
  const latest = open.at(-1);
  const count = useDashboard((state) => waitingCount(state.host.threads));
  useEffect(() => {
    document.title = count > 0 ? `(${count}) Farhelm` : "Farhelm";
  }, [count]);
  return (
    <div className="sr-only">
      <p role="status">{word}</p>
      <p role="status">{latest === undefined ? "" : `Approval needed: ${wanted(latest)}`}</p>
    </div>
  );
}

function wanted(approval: Approval): string {
  const words = gainWords(approval, undefined);
  const gains = words === undefined || words.gains.length === 0 ? "" : `. ${spokenGains(words)}`;
  if (approval.method === "item/commandExecution/requestApproval")
    return `run ${approval.params.command}${gains}`;
  const what =
    approval.method === "item/fileChange/requestApproval"
      ? "change files"
      : "give more permissions";
  return `${what}${gains}`;
}
