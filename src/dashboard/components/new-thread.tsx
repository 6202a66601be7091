import type { FormEvent, KeyboardEvent } from "react";
import { useState } from "react";
import { sendMessage, startThread } from "../host/actions.ts";
import { goTo, threadHref } from "../host/route.ts";
import { useDashboard } from "../host/store.ts";
import { mayOperate } from "../state/role-rights.ts";
import { useDraft } from "./draft.ts";
import { FolderField } from "./folder-field.tsx";
import { GrowingText } from "./growing-text.tsx";
import { Icon } from "./icon.tsx";
import { ModelPicker } from "./model-picker.tsx";
import { Suggestions } from "./suggestions.tsx";

export function NewThread() {
  const [text, setText] = useDraft("new");
  const [cwd, setCwd] = useState<string | null>(null);
  const [model, setModel] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const connected = useDashboard((state) => state.connection.kind === "connected");
  const allowed = useDashboard((state) => mayOperate(state.role));
  const ready = connected && allowed && !busy;
  const start = async (message: string): Promise<void> => {
    setBusy(true);
    setError(null);
    const started = await startThread({ cwd, model });
    setBusy(false);
    if ("error" in started) {
      setError(started.error);
      return;
    }
    if (message === text.trim()) setText("");
    goTo(threadHref(started.threadId));
    await sendMessage(started.threadId, message);
  };
  const submit = (event?: FormEvent): void => {
    event?.preventDefault();
    if (ready && text.trim() !== "") void start(text.trim());
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <section className="new-thread" aria-labelledby="new-thread-title">
      <a className="button ghost icon-button back-link" href="#/" aria-label="Back to the threads">
        <Icon name="back" />
      </a>
      <div className="new-thread-body">
        <h1 id="new-thread-title">What should the agent do?</h1>
        <form className="new-thread-form" onSubmit={submit}>
          <GrowingText
            label="First message"
            value={text}
            disabled={!allowed}
            placeholder="Describe a task, or ask about the code"
            onChange={setText}
            onKeyDown={onKey}
          />
          <div className="new-thread-options">
            <FolderField value={cwd} onChange={setCwd} />
            <ModelPicker value={model} onChange={setModel} />
            <button
              type="submit"
              className="button primary"
              disabled={!ready || text.trim() === ""}
            >
              {busy ? "Starting…" : "Start"}
            </button>
          </div>
        </form>
        {error !== null && (
          <p className="refusal" role="alert">
            {error}
          </p>
        )}
        {ready && <Suggestions onChoose={(message) => void start(message)} />}
        {!allowed && connected && (
          <p className="fine">
            This device may watch, but not start work. An admin can change its role.
          </p>
        )}
      </div>
    </section>
  );
}
