import { useEffect } from "react";
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
      <p role="status">
        {latest === undefined
          ? ""
          : latest.method === "item/commandExecution/requestApproval"
            ? `Approval needed: run ${latest.params.command}`
            : "Approval needed: change files"}
      </p>
    </div>
  );
}
