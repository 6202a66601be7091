import { memo, useContext, useMemo } from "react";
import type { FileUpdateChange } from "../../protocol/item.ts";
import { countRows, diffRows } from "../state/diff-rows.ts";
import { relativePath } from "../state/paths.ts";
import { ThreadFolder } from "./thread-folder.ts";
import { VisibleText } from "./visible-text.tsx";
import { DiffTable } from "./diff-table.tsx";

const kindNames = { add: "Added", delete: "Deleted", update: "Edited" } as const;

export const FileDiff = memo(function FileDiff(props: {
  readonly change: FileUpdateChange;
  readonly open: boolean;
}) {
  const { change } = props;
  const rows = useMemo(() => diffRows(change), [change]);
  const folder = useContext(ThreadFolder);
  const { added, removed } = countRows(rows);
  const moved = change.kind.type === "update" ? change.kind.move_path : null;
  const path = relativePath(change.path, folder);
  return (
    <details className="file-diff" open={props.open}>
      <summary>
        <span className="file-path">
          <VisibleText text={moved === null ? path : `${path} → ${relativePath(moved, folder)}`} />
        </span>
        <span className="file-kind">{moved === null ? kindNames[change.kind.type] : "Moved"}</span>
        <span className="file-counts">
          <span className="count-added">+{added}</span>{" "}
          <span className="count-removed">−{removed}</span>
          <span className="sr-only"> lines added and removed</span>
        </span>
      </summary>
      <DiffTable rows={rows} path={change.path} />
    </details>
  );
});
