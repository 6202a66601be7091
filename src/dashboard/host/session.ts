/** The page's one connection: joins the client, the queue and the store. */
import { FarhelmClient } from "../../client/farhelm-client.ts";
import type { AccessToken } from "../../client/credentials.ts";
import type { ConnectionState } from "../../client/connection-state.ts";
import { FrameQueue } from "../state/frame-queue.ts";
import type { HostEvent } from "../state/host-event.ts";
import { reduceHostEvent } from "../state/host-event.ts";
import { keepAuditHead } from "./audit-head.ts";
import { openBrowserSocket } from "./browser-socket.ts";
import { keepDraft, readDraft } from "./drafts.ts";
import { browserClock } from "./frame-clock.ts";
import { IndexedKeyStore } from "./indexed-key-store.ts";
import { cutOffBy } from "../state/last-seen.ts";
import { loadHomeFolder, loadInbox, loadModels, loadPairings, loadThreads } from "./loading.ts";
import { mayAdminister, mayApprove } from "../state/role-rights.ts";
import { useDashboard } from "./store.ts";

export const keyStore = new IndexedKeyStore();

const queue = new FrameQueue<HostEvent>(browserClock, (batch) => {
  const { host } = useDashboard.getState();
  const changed = batch.reduce(reduceHostEvent, host);
  if (changed !== host) useDashboard.setState({ host: changed });
});

/** When the host was heard last, Unix milliseconds. */
let seenAtMs: number | null = null;

export const client = new FarhelmClient({
  origin: location.origin,
  post: (url, init) => fetch(url, init),
  openSocket: openBrowserSocket,
  keyStore,
  clientInfo: { name: "farhelm-dashboard", title: "Farhelm", version: "0.1.0" },
  listener: {
    stateChanged,
    notified: (notification) => {
      seenAtMs = Date.now();
      queue.push({ kind: "notified", notification });
      noteUnknownThread(notification);
      if (notification.method === "approval/inbox/changed") void loadInbox(client);
    },
    asked: (request) => {
      seenAtMs = Date.now();
      queue.push({ kind: "asked", request });
    },
    resumed: (answer) => queue.push({ kind: "resumed", answer }),
    caughtUp: (threadId) => queue.push({ kind: "caughtUp", threadId }),
    gap: (threadId, reason) => queue.push({ kind: "gap", threadId, reason }),
    resumeFailed: (threadId, { message }) =>
      queue.push({ kind: "resumeFailed", threadId, message }),
  },
});

/** Shows at once what has come so far. */
export const flushEvents = (): void => queue.flush();

function stateChanged(connection: ConnectionState): void {
  if (connection.kind === "connected") seenAtMs = Date.now();
  const cutOff = cutOffBy(connection, useDashboard.getState().cutOff, seenAtMs);
  useDashboard.setState({ connection, cutOff, role: client.role ?? null });
  if (connection.kind !== "connected") return;
  queue.push({ kind: "connected" });
  void loadThreads(client);
  void loadModels(client);
  void loadHomeFolder(client);
  const role = client.role ?? null;
  if (mayAdminister(role)) void loadPairings(client);
  if (mayApprove(role)) void loadInbox(client);
  void keepAuditHead(client);
}

/**
 * A thread that another device started before this page came is not in the list, and one that started
 * since then has no title before its first message; the next sign of life fetches them.
 */
function noteUnknownThread({ method, params }: { method: string; params: object }): void {
  if (method !== "thread/status/changed" && method !== "thread/unarchived") return;
  const { host, list } = useDashboard.getState();
  const thread = "threadId" in params ? host.threads.get(String(params.threadId)) : undefined;
  const titled = thread !== undefined && (thread.name ?? thread.preview) !== "";
  if (!titled && list.load === "ready") void loadThreads(client);
}

/** A message that the host has not shown yet goes back to where it was typed, for the next visit. */
function keepUnsent(): void {
  for (const { id, pending } of useDashboard.getState().host.views.values()) {
    const unsent = pending.map(({ text }) => text);
    if (unsent.length > 0) keepDraft(id, [...unsent, readDraft(id)].join("\n").trim());
  }
}

/** Connects, and comes back when the page is looked at or the network returns. */
export function startSession(token?: AccessToken): void {
  client.start(token);
}

export function listenToPage(): void {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) client.wake();
  });
  addEventListener("pagehide", keepUnsent);
  addEventListener("online", () => client.networkChanged(true));
  addEventListener("offline", () => client.networkChanged(false));
}

export const openDevices = (devicesOpen: boolean): void => useDashboard.setState({ devicesOpen });
