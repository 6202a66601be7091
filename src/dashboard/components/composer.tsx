import type { FormEvent, KeyboardEvent } from "react";
import { useState } from "react";
import { sendMessage, stopTurn } from "../host/actions.ts";
import { useDashboard } from "../host/store.ts";
import { mayOperate } from "../state/role-rights.ts";
import { useDraft } from "./draft.ts";
import { GrowingText } from "./growing-text.tsx";
import { Icon } from "./icon.tsx";

export function Composer(props: {
  readonly threadId: string;
  readonly activeTurnId: string | null;
}) {
  const { threadId, activeTurnId } = props;
  const [text, setText] = useDraft(threadId);
  const [error, setError] = useState<string | null>(null);
  const connected = useDashboard((state) => state.connection.kind === "connected");
  const allowed = useDashboard((state) => mayOperate(state.role));
  const running = activeTurnId !== null;
  const sendable = connected && allowed && text.trim() !== "";
  const send = (event?: FormEvent): void => {
    event?.preventDefault();
    if (!sendable) return;
    setText("");
    void sendMessage(threadId, text.trim());
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  const stop = async (): Promise<void> => {
    if (activeTurnId !== null) setError(await stopTurn(threadId, activeTurnId));
  };
  return (
    <form className="composer" onSubmit={send}>
      {error !== null && (
        <p className="fine" role="alert">
          {error}
        </p>
      )}
      <div className="composer-box">
        <GrowingText
          label="Message"
          value={text}
          disabled={!allowed}
          placeholder={running ? "Add to this turn" : "Ask for something"}
          onChange={setText}
          onKeyDown={onKey}
        />
        {running && (
          <button
            type="button"
            className="button stop"
            disabled={!connected || !allowed}
            onClick={() => void stop()}
          >
            <Icon name="stop" /> Stop
          </button>
        )}
        <button
          type="submit"
          className="button primary icon-button"
          disabled={!sendable}
          aria-label={running ? "Send into the running turn" : "Send"}
        >
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}
