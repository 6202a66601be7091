import { useState } from "react";
import type { ThreadView } from "../state/host-view.ts";
import { openThread } from "../host/actions.ts";
import { gapSentence } from "../state/gap-sentence.ts";
import { Icon } from "./icon.tsx";
import { LogEmpty } from "./log-empty.tsx";
import { LogSkeleton } from "./log-skeleton.tsx";
import { PendingMessage } from "./pending-message.tsx";
import { TurnBlock } from "./turn-block.tsx";
import { useStickToEnd } from "./stick-to-end.ts";

/** So many turns show at once; the earlier ones are a button away. */
const shownTurns = 40;

export function ConversationLog({ view }: { readonly view: ThreadView }) {
  const [more, setMore] = useState(0);
  const { scroller, content, away, toEnd } = useStickToEnd();
  const turns = view.turns.slice(-shownTurns - more);
  const hidden = view.turns.length - turns.length;
  const empty = view.turns.length === 0 && view.pending.length === 0;
  return (
    <div className="log-frame">
      <div
        className="log"
        ref={scroller}
        tabIndex={0}
        role="log"
        aria-label="Turns"
        aria-live="off"
      >
        <div className="log-content" ref={content}>
          {view.load === "loading" && empty && <LogSkeleton />}
          {view.load === "failed" && (
            <div className="refusal" role="alert">
              <p>
                <strong>This thread could not be opened.</strong> {view.loadError}
              </p>
              <button type="button" className="button" onClick={() => openThread(view.id)}>
                Try again
              </button>
            </div>
          )}
          {view.load === "ready" && empty && <LogEmpty threadId={view.id} />}
          {hidden > 0 && (
            <button
              type="button"
              className="button earlier"
              onClick={() => setMore(more + shownTurns)}
            >
              Show {Math.min(hidden, shownTurns)} earlier turns
            </button>
          )}
          {turns.map((turn) => (
            <TurnBlock key={turn.id} turn={turn} />
          ))}
          {view.pending.map((send) => (
            <PendingMessage key={send.clientId} send={send} threadId={view.id} />
          ))}
          {view.gap !== null && (
            <p className="quiet-note" role="status">
              {gapSentence(view.gap)}
            </p>
          )}
          {view.warnings.map((warning) => (
            <p key={warning} className="quiet-note">
              {warning}
            </p>
          ))}
        </div>
      </div>
      {away && (
        <button type="button" className="button to-end" onClick={toEnd}>
          <Icon name="down" /> Latest
        </button>
      )}
    </div>
  );
}
