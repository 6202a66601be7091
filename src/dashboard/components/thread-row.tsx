import { memo } from "react";
import type { Thread } from "../../protocol/thread.ts";
import { threadHref } from "../host/route.ts";
import { shortPath } from "../state/paths.ts";
import type { CutOff } from "../state/last-seen.ts";
import { seenText } from "../state/last-seen.ts";
import { ageText, badgeOf, titleOf } from "../state/thread-list.ts";
import { StatusBadge } from "./status-badge.tsx";

export const ThreadRow = memo(function ThreadRow(props: {
  readonly thread: Thread;
  readonly selected: boolean;
  /** Set while the page is cut off: the card is as it was then. */
  readonly cutOff: CutOff | undefined;
  /** Why its last turn failed, where this page knows. */
  readonly fault: string | undefined;
}) {
  const { thread, selected, cutOff, fault } = props;
  const badge = badgeOf(thread);
  return (
    <li>
      <a
        className={cutOff === undefined ? "thread-row" : "thread-row thread-row-stale"}
        href={threadHref(thread.id)}
        aria-current={selected ? "page" : undefined}
      >
        <span className="thread-title">{titleOf(thread)}</span>
        <span className="thread-age">{ageText(thread.updatedAt, Date.now() / 1000)}</span>
        <span className="thread-folder">{shortPath(thread.cwd)}</span>
        {badge !== "idle" && <StatusBadge badge={badge} />}
        {badge === "error" && fault !== undefined && <span className="thread-why">{fault}</span>}
        {cutOff !== undefined && (
          <span className="thread-why">
            {cutOff.seenAtMs !== null && `Last seen ${seenText(cutOff.seenAtMs, Date.now())}. `}
            {cutOff.why}
          </span>
        )}
      </a>
    </li>
  );
});
