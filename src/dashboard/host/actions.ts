/** What a person does, as calls to the host. Failures come back as a sentence to show, or null. */
import { ConnectionLost, OutcomeUnknown } from "../../client/rpc-peer.ts";
import type { Approval, HostView, ThreadView } from "../state/host-view.ts";
import { activeTurn, withView } from "../state/host-view.ts";
import type { PendingSend } from "../state/pending-sends.ts";
import { openView } from "../state/resume.ts";
import { challengeFor, withAnswer, withoutApprovalsOf, withRefusal } from "../state/approvals.ts";
import { type Choice, answerTo } from "../state/approval-answer.ts";
import { client, flushEvents } from "./session.ts";
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
    const { thread } = await client.call("thread/start", options, { retry: true, watch: true });
    flushEvents();
    return { threadId: thread.id };
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
    const state = isUnknown(error) ? "unknown" : "failed";
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
    await client.call("turn/start", call, retry);
    return;
  }
  try {
    await client.call("turn/steer", { ...call, expectedTurnId: running.id }, retry);
  } catch (error) {
    if (isUnknown(error) || activeTurn(viewOf(threadId))?.id === running.id) {
      throw error;
    }
    // The turn ended while the message was on its way; it begins the next one.
    await client.call("turn/start", call, retry);
  }
}

/** What a person asked for once is done once, also when the line breaks over it. */
const retry = { retry: true };

/** Whether what was asked for may have been done all the same. */
const isUnknown = (error: unknown): boolean =>
  error instanceof ConnectionLost || error instanceof OutcomeUnknown;

export function discardSend(threadId: string, clientId: string): void {
  changePending(threadId, (pending) => pending.filter((send) => send.clientId !== clientId));
}

export const stopTurn = (threadId: string, turnId: string): Promise<string | null> =>
  tried(client.call("turn/interrupt", { threadId, turnId }, retry));

export const renameThread = (threadId: string, name: string): Promise<string | null> =>
  tried(client.call("thread/name/set", { threadId, name }, retry));

export const archiveThread = (threadId: string): Promise<string | null> =>
  tried(client.call("thread/archive", { threadId }, retry));

/** Signs the answer where this device's word is not enough. */
export async function answerApproval(approval: Approval, decision: Choice): Promise<void> {
  const { id, method } = approval;
  const challenge = challengeFor(approval, useDashboard.getState().role);
  const answer = answerTo(approval, decision);
  changeHost((host) => withAnswer(host, id, decision));
  try {
    if (challenge === undefined || decision === "decline") client.answer(id, method, answer);
    else await client.answerSigned(id, method, challenge, answer);
  } catch (error) {
    const message = sentence(error);
    // When the connection is gone the question, if it still waits, is asked again.
    if (error instanceof ConnectionLost) changeHost((host) => withAnswer(host, id, null));
    else changeHost((host) => withRefusal(host, id, { message, nextStep: "Nothing was sent." }));
  }
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

const changeHost = (change: (host: HostView) => HostView): void =>
  useDashboard.setState(({ host }) => ({ host: change(host) }));

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
