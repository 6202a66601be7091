import { discardSend, sendMessage } from "../host/actions.ts";
import type { PendingSend } from "../state/pending-sends.ts";

/** A message that the host has not shown yet. */
export function PendingMessage(props: { readonly send: PendingSend; readonly threadId: string }) {
  const { send, threadId } = props;
  const again = (): void => {
    discardSend(threadId, send.clientId);
    void sendMessage(threadId, send.text);
  };
  return (
    <div className="own-message pending">
      <p className="own-text">{send.text}</p>
      {send.state === "sending" && <p className="fine">Sending…</p>}
      {send.state === "unknown" && (
        <p className="fine" role="status">
          The connection was lost. Whether this arrived shows when it is back.
        </p>
      )}
      {send.state === "failed" && (
        <div className="pending-failed" role="alert">
          <p>Not sent: {send.error}</p>
          <button type="button" className="button" onClick={again}>
            Send again
          </button>
          <button
            type="button"
            className="ghost"
            onClick={() => discardSend(threadId, send.clientId)}
          >
            Discard
          </button>
        </div>
      )}
    </div>
  );
}
