import type { FileChangeItem } from "../../protocol/item.ts";
import type { ApprovalChallenge } from "../../protocol/signed-approval.ts";
import { commandSubject, linkedPaths } from "../state/approval-subject.ts";
import type { Approval } from "../state/host-view.ts";
import { ExactText } from "./exact-text.tsx";
import { FileDiff } from "./file-diff.tsx";
import { VisibleText } from "./visible-text.tsx";

/** What exactly would be allowed. */
export function ApprovalSubject(props: {
  readonly approval: Approval;
  readonly challenge: ApprovalChallenge | undefined;
  /** The item of a patch, once it is here. */
  readonly item: FileChangeItem | undefined;
  readonly all: boolean;
  readonly onAll: () => void;
}) {
  const { approval, challenge, item, all, onAll } = props;
  const { reason } = approval.params;
  const why = reason !== null && reason !== "" && (
    <p className="approval-reason">
      <VisibleText text={reason} />
    </p>
  );
  if (approval.method === "item/fileChange/requestApproval") {
    const changes = item?.changes ?? [];
    const isOpen = changes.length === 1 || challenge !== undefined;
    return (
      <>
        {why}
        <div className="approval-diffs">
          {changes.map((change) => (
            <FileDiff key={change.path} change={change} open={isOpen} />
          ))}
        </div>
        <Facts facts={linkedPaths(challenge, changes).map((path) => ["Writes to", path])} />
      </>
    );
  }
  if (approval.method === "item/permissions/requestApproval") {
    const cwd =
      challenge?.payload.kind === "permissions" ? challenge.payload.cwd : approval.params.cwd;
    return (
      <>
        {why}
        <Facts facts={[["Folder", cwd]]} />
      </>
    );
  }
  const { text, runsAs, cwd } = commandSubject(approval, challenge);
  const shell: readonly Fact[] = runsAs === null ? [] : [["Runs as", runsAs]];
  return (
    <>
      {why}
      <ExactText text={text} label="Command" all={all} onAll={onAll} />
      <Facts facts={[["Folder", cwd], ...shell]} />
    </>
  );
}

type Fact = readonly [name: string, value: string];

function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  if (facts.length === 0) return null;
  return (
    <dl className="approval-facts">
      {facts.map(([name, value]) => (
        <div key={`${name} ${value}`}>
          <dt>{name}</dt>
          <dd>
            <VisibleText text={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
