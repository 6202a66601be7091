import { readRoute, useHash } from "../host/route.ts";
import { AccessNotice } from "./access-notice.tsx";
import { Conversation } from "./conversation.tsx";
import { Door } from "./door.tsx";
import { NewThread } from "./new-thread.tsx";
import { Sidebar } from "./sidebar.tsx";

/** Two panes side by side; on narrow screens the address decides which one shows. */
export function Workspace() {
  const route = readRoute(useHash());
  const selected = route.kind === "thread" ? route.threadId : null;
  return (
    <div className={`workspace shows-${route.kind}`}>
      <button type="button" className="skip-link" onClick={focusMain}>
        Skip to the conversation
      </button>
      <div className="notices">
        <AccessNotice />
        <Door />
      </div>
      <Sidebar selected={selected} />
      <main className="main-pane" id="main" tabIndex={-1}>
        {selected === null ? <NewThread /> : <Conversation key={selected} threadId={selected} />}
      </main>
    </div>
  );
}

const focusMain = (): void => document.querySelector<HTMLElement>("#main")?.focus();
