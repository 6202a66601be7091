import { threadHref } from "../host/route.ts";
import { useDashboard } from "../host/store.ts";
import { inboxSubject } from "../state/inbox.ts";
import { shortPath } from "../state/paths.ts";
import { ageText, titleOf } from "../state/thread-list.ts";
import { VisibleText } from "./visible-text.tsx";

/** What waits for someone in the threads that are not on the screen. */
export function Inbox({ selected }: { readonly selected: string | null }) {
  const inbox = useDashboard((state) => state.inbox);
  const threads = useDashboard((state) => state.host.threads);
  const elsewhere = inbox.filter(({ threadId }) => threadId !== selected);
  if (elsewhere.length === 0) return null;
  return (
    <section className="inbox" aria-labelledby="inbox-title">
      <h2 id="inbox-title">Waiting for you: {elsewhere.length}</h2>
      <ul>
        {elsewhere.map((entry) => {
          const thread = threads.get(entry.threadId);
          const where = thread === undefined ? shortPath(entry.cwd) : titleOf(thread);
          return (
            <li key={entry.requestId}>
              <a className="inbox-entry" href={threadHref(entry.threadId)}>
                <code>
                  <VisibleText text={inboxSubject(entry)} />
                </code>
                <span className="inbox-where">
                  {entry.threadName ?? where}, {ageText(entry.askedAtMs / 1000, Date.now() / 1000)}
                </span>
              </a>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
