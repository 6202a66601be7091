/** The lists that the dashboard fetches. A lost connection is no failure here: the next one fetches again. */
import type { FarhelmClient } from "../../client/farhelm-client.ts";
import { ConnectionLost } from "../../client/rpc-peer.ts";
import type { Thread } from "../../protocol/thread.ts";
import { useDashboard } from "./store.ts";

const pageSize = 50;

type Caller = Pick<FarhelmClient, "call">;

/** The newest threads; with `cursor` the page that follows. */
export async function loadThreads(client: Caller, cursor: string | null = null): Promise<void> {
  try {
    const { data, nextCursor } = await client.call("thread/list", {
      cursor,
      limit: pageSize,
      sortKey: "updated_at",
      modelProviders: [],
    });
    mergeThreads(data);
    useDashboard.setState({ list: { load: "ready", error: null, nextCursor } });
  } catch (error) {
    if (error instanceof ConnectionLost) return;
    const message = error instanceof Error ? error.message : String(error);
    useDashboard.setState(({ list }) => ({ list: { ...list, load: "failed", error: message } }));
  }
}

/** Asks the host for threads beyond those that were fetched. */
export async function searchThreads(client: Caller, searchTerm: string): Promise<void> {
  try {
    const { data } = await client.call("thread/list", {
      limit: pageSize,
      sortKey: "updated_at",
      modelProviders: [],
      searchTerm,
    });
    mergeThreads(data);
  } catch {
    // What is at hand is searched anyway.
  }
}

export async function loadModels(client: Caller): Promise<void> {
  try {
    const { data } = await client.call("model/list", {});
    useDashboard.setState({ models: data.filter(({ hidden }) => !hidden) });
  } catch {
    // Without a list the host's default is used.
  }
}

/** Where the folder picker begins. */
export async function loadHomeFolder(client: Caller): Promise<void> {
  try {
    const { defaultCwd } = await client.call("farhelm/host/read", {});
    useDashboard.setState({ homeFolder: defaultCwd });
  } catch {
    // The picker begins at the root then.
  }
}

/** For admins: who waits to be let in. */
export async function loadPairings(client: Caller): Promise<void> {
  try {
    const { data } = await client.call("farhelm/pair/list", {});
    const pairings = new Map(data.map((pairing) => [pairing.id, pairing]));
    useDashboard.setState(({ host }) => ({ host: { ...host, pairings } }));
  } catch {
    // What changes from now on is told anyway.
  }
}

/** For those who may answer: what waits, in threads that this page does not show too. */
export async function loadInbox(client: Caller): Promise<void> {
  try {
    const { data } = await client.call("approval/inbox", {});
    useDashboard.setState({ inbox: data });
  } catch {
    // The next change is told and asks again.
  }
}

function mergeThreads(listed: readonly Thread[]): void {
  useDashboard.setState(({ host }) => {
    const threads = new Map(host.threads);
    for (const thread of listed) threads.set(thread.id, thread);
    return { host: { ...host, threads } };
  });
}
