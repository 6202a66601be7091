/** What a person does, as calls to the host. Failures come back as a sentence to show, or null. */
import { ConnectionLost } from "../../client/rpc-peer.ts";
import type { Approval, ThreadView } from "../state/host-view.ts";
import { activeTurn, withView } from "../state/host-view.ts";
import type { PendingSend } from "../state/pending-sends.ts";
import { openView } from "../state/resume.ts";
import { withAnswer, withoutApprovalsOf } from "../state/approvals.ts";
import { applyEvent, client } from "./session.ts";
import { useDashboard } from "./store.ts";

export function openThread(threadId: string): void {
  useDashboard.setState(({ host }) => ({ host: openView(host, threadId) }));
  client.watch(threadId);
}

export function closeThread(threadId: string): void {
  client.unwatch(threadId);
  useDashboard.setState(({ host }) => ({ host: withoutApprovalsOf(host, threadId) }));
}

export async function startThread(options: {
  readonly cwd: string | null;
  readonly model: string | null;
}): Promise<{ readonly threadId: string } | { readonly error: string }> {
  try {
    const answer = await client.call("thread/start", options);
    const threadId = answer.thread.id;
    client.watch(threadId, { subscribed: true });
    applyEvent({ kind: "resumed", answer });
    return { threadId };
  } catch (error) {
    return { error: sentence(error) };
  }
}

/** Starts a turn, or joins the one that runs. */
export async function sendMessage(threadId: string, text: string): Promise<void> {
  const clientId = crypto.randomUUID();
  changePending(threadId, (pending) => [
    ...pending,
    { clientId, text, state: "sending", error: null },
  ]);
  try {
    await submit(threadId, text, clientId);
  } catch (error) {
    const state = error instanceof ConnectionLost ? "unknown" : "failed";
    changePending(threadId, (pending) =>
      pending.map((send) =>
        send.clientId === clientId ? { ...send, state, error: sentence(error) } : send,
      ),
    );
  }
}

async function submit(threadId: string, text: string, clientId: string): Promise<void> {
  const input = [{ type: "text" as const, text }];
  const call = { threadId, input, clientUserMessageId: clientId };
  const running = activeTurn(viewOf(threadId));
  if (running === undefined) {
    await client.call("turn/start", call);
    return;
  }
  try {
    await client.call("turn/steer", { ...call, expectedTurnId: running.id });
  } catch (error) {
    if (error instanceof ConnectionLost || activeTurn(viewOf(threadId))?.id === running.id) {
      throw error;
    }
    // The turn ended while the message was on its way; it begins the next one.
    await client.call("turn/start", call);
  }
}

export function discardSend(threadId: string, clientId: string): void {
  changePending(threadId, (pending) => pending.filter((send) => send.clientId !== clientId));
}

export const stopTurn = (threadId: string, turnId: string): Promise<string | null> =>
  tried(client.call("turn/interrupt", { threadId, turnId }));

export const renameThread = (threadId: string, name: string): Promise<string | null> =>
  tried(client.call("thread/name/set", { threadId, name }));

export const archiveThread = (threadId: string): Promise<string | null> =>
  tried(client.call("thread/archive", { threadId }));

export function answerApproval(
  { id, method }: Approval,
  decision: "accept" | "acceptForSession" | "decline",
): void {
  try {
    client.answer(id, method, { decision });
  } catch {
    // The connection is gone; if the question still waits it is asked again.
    return;
  }
  useDashboard.setState(({ host }) => ({ host: withAnswer(host, id, decision) }));
}

export async function listFolders(
  path: string,
): Promise<{ readonly folders: string[] } | { readonly error: string }> {
  try {
    const { entries } = await client.call("fs/readDirectory", { path });
    const folders = entries.filter(({ isDirectory }) => isDirectory);
    return { folders: folders.map(({ fileName }) => fileName).toSorted() };
  } catch (error) {
    return { error: sentence(error) };
  }
}

const viewOf = (threadId: string): ThreadView | undefined =>
  useDashboard.getState().host.views.get(threadId);

function changePending(
  threadId: string,
  change: (pending: readonly PendingSend[]) => readonly PendingSend[],
): void {
  useDashboard.setState(({ host }) => ({
    host: withView(host, threadId, (view) => ({ ...view, pending: change(view.pending) })),
  }));
}

async function tried(call: Promise<unknown>): Promise<string | null> {
  try {
    await call;
    return null;
  } catch (error) {
    return sentence(error);
  }
}

const sentence = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
