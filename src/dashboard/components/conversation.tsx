import { useEffect } from "react";
import { closeThread, openThread } from "../host/actions.ts";
import { useDashboard } from "../host/store.ts";
import { activeTurn } from "../state/host-view.ts";
import { ApprovalDock } from "./approval-dock.tsx";
import { ConnectionPill } from "./connection-pill.tsx";
import { ThreadFolder } from "./thread-folder.ts";
import { Composer } from "./composer.tsx";
import { ConversationHead } from "./conversation-head.tsx";
import { ConversationLog } from "./conversation-log.tsx";

export function Conversation({ threadId }: { readonly threadId: string }) {
  const view = useDashboard((state) => state.host.views.get(threadId));
  const folder = useDashboard((state) => state.host.threads.get(threadId)?.cwd ?? "");
  const connected = useDashboard((state) => state.connection.kind === "connected");
  useEffect(() => {
    openThread(threadId);
    return () => closeThread(threadId);
  }, [threadId]);
  return (
    <ThreadFolder value={folder}>
      <section className="conversation" aria-label="Conversation">
        <ConversationHead threadId={threadId} />
        {!connected && (
          <div className="connection-strip">
            <ConnectionPill />
          </div>
        )}
        {view !== undefined && <ConversationLog view={view} />}
        <div className="dock">
          <ApprovalDock threadId={threadId} />
          <Composer threadId={threadId} activeTurnId={activeTurn(view)?.id ?? null} />
        </div>
      </section>
    </ThreadFolder>
  );
}
