import { useDeferredValue, useEffect, useMemo, useState } from "react";
import { loadThreads, searchThreads } from "../host/loading.ts";
import { client } from "../host/session.ts";
import { useDashboard } from "../host/store.ts";
import { listedThreads } from "../state/thread-list.ts";
import { AuditNote } from "./audit-note.tsx";
import { ConnectionPill } from "./connection-pill.tsx";
import { DevicesButton } from "./devices-button.tsx";
import { Icon } from "./icon.tsx";
import { Inbox } from "./inbox.tsx";
import { SidebarEmpty } from "./sidebar-empty.tsx";
import { ThreadRow } from "./thread-row.tsx";
import { Wheel } from "./wheel.tsx";

const searchDelayMs = 300;

export function Sidebar({ selected }: { readonly selected: string | null }) {
  const threads = useDashboard((state) => state.host.threads);
  const list = useDashboard((state) => state.list);
  const cutOff = useDashboard((state) => state.cutOff);
  const views = useDashboard((state) => state.host.views);
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search);
  const rows = useMemo(() => listedThreads(threads, wanted), [threads, wanted]);
  const loading = list.load === "loading" && rows.length === 0;
  useEffect(() => {
    if (wanted.trim() === "") return undefined;
    const timer = setTimeout(() => void searchThreads(client, wanted.trim()), searchDelayMs);
    return () => clearTimeout(timer);
  }, [wanted]);
  return (
    <nav className="sidebar" aria-label="Threads">
      <header className="sidebar-head">
        <span className="brand">
          <Wheel />
          <span>Farhelm</span>
        </span>
        <ConnectionPill />
      </header>
      <div className="sidebar-tools">
        <label className="search">
          <Icon name="search" />
          <input
            type="search"
            aria-label="Search threads"
            placeholder="Search"
            value={search}
            onChange={({ target }) => setSearch(target.value)}
          />
        </label>
        <a className="button primary new-thread-link" href="#/new">
          <Icon name="plus" />
          New thread
        </a>
      </div>
      <Inbox selected={selected} />
      <ul className="thread-list" aria-busy={loading}>
        {loading && [1, 2, 3, 4].map((row) => <li key={row} className="thread-skeleton" />)}
        {rows.map((thread) => (
          <ThreadRow
            key={thread.id}
            thread={thread}
            selected={thread.id === selected}
            cutOff={cutOff}
            fault={views.get(thread.id)?.turns.at(-1)?.error?.message}
          />
        ))}
      </ul>
      {rows.length === 0 && !loading && <SidebarEmpty list={list} search={wanted} />}
      {list.nextCursor !== null && wanted === "" && (
        <button
          type="button"
          className="ghost load-more"
          onClick={() => void loadThreads(client, list.nextCursor)}
        >
          Show older threads
        </button>
      )}
      <DevicesButton />
      <AuditNote />
    </nav>
  );
}
