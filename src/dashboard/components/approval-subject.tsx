import { useDashboard } from "../host/store.ts";
import { bareCommand } from "../state/bare-command.ts";
import type { Approval } from "../state/host-view.ts";
import { itemOf } from "../state/find-item.ts";
import { FileDiff } from "./file-diff.tsx";

/** What exactly would be allowed. */
export function ApprovalSubject({ approval }: { readonly approval: Approval }) {
  const { threadId, itemId } = approval.params;
  const item = useDashboard((state) => itemOf(state.host.views.get(threadId), itemId));
  const { reason } = approval.params;
  const why = reason !== null && reason !== "" && <p className="approval-reason">{reason}</p>;
  if (approval.method === "item/fileChange/requestApproval") {
    const changes = item?.type === "fileChange" ? item.changes : [];
    return (
      <>
        {why}
        <div className="approval-diffs">
          {changes.map((change) => (
            <FileDiff key={change.path} change={change} open={changes.length === 1} />
          ))}
        </div>
      </>
    );
  }
  const { command, commandActions, cwd } = approval.params;
  const bare = bareCommand(command, commandActions);
  return (
    <>
      {why}
      <pre className="approval-command" tabIndex={0} role="group" aria-label="Command">
        {bare}
      </pre>
      <dl className="approval-facts">
        <div>
          <dt>Folder</dt>
          <dd>{cwd}</dd>
        </div>
        {bare !== command && (
          <div>
            <dt>Runs as</dt>
            <dd>{command}</dd>
          </div>
        )}
      </dl>
    </>
  );
}
