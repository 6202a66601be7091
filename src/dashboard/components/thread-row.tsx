import { memo } from "react";
import type { Thread } from "../../protocol/thread.ts";
import { threadHref } from "../host/route.ts";
import { shortPath } from "../state/paths.ts";
import { ageText, badgeOf, titleOf } from "../state/thread-list.ts";
import { StatusBadge } from "./status-badge.tsx";

export const ThreadRow = memo(function ThreadRow(props: {
  readonly thread: Thread;
  readonly selected: boolean;
}) {
  const { thread, selected } = props;
  const badge = badgeOf(thread);
  return (
    <li>
      <a
        className="thread-row"
        href={threadHref(thread.id)}
        aria-current={selected ? "page" : undefined}
      >
        <span className="thread-title">{titleOf(thread)}</span>
        <span className="thread-age">{ageText(thread.updatedAt, Date.now() / 1000)}</span>
        <span className="thread-folder">{shortPath(thread.cwd)}</span>
        {badge !== "idle" && <StatusBadge badge={badge} />}
      </a>
    </li>
  );
});
