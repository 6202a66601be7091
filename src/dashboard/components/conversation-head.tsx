import { useDashboard } from "../host/store.ts";
import { shortPath } from "../state/paths.ts";
import { badgeOf, titleOf } from "../state/thread-list.ts";
import { Icon } from "./icon.tsx";
import { offlineLabel } from "./model-picker.tsx";
import { StatusBadge } from "./status-badge.tsx";
import { ThreadMenu } from "./thread-menu.tsx";

export function ConversationHead({ threadId }: { readonly threadId: string }) {
  const thread = useDashboard((state) => state.host.threads.get(threadId));
  const model = useDashboard((state) => state.host.views.get(threadId)?.model ?? null);
  return (
    <header className="conversation-head">
      <a className="button ghost icon-button back-link" href="#/" aria-label="Back to the threads">
        <Icon name="back" />
      </a>
      <div className="conversation-names">
        <h1>{thread === undefined ? "Thread" : titleOf(thread)}</h1>
        <p className="conversation-facts">
          {thread !== undefined && <span title={thread.cwd}>{shortPath(thread.cwd)}</span>}
          {model === "offline" ? (
            <span className="offline-label">{offlineLabel}</span>
          ) : (
            model !== null && <span>{model}</span>
          )}
        </p>
      </div>
      {thread !== undefined && <StatusBadge badge={badgeOf(thread)} />}
      {thread !== undefined && <ThreadMenu thread={thread} />}
    </header>
  );
}
