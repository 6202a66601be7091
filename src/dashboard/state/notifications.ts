/** How each notification changes what the dashboard knows. Pure; one that is new to this version changes nothing. */
import type { HostNotification, Notifications } from "../../client/host-api.ts";
import type { ItemId } from "../../protocol/ids.ts";
import type { AgentMessageItem, ReasoningItem, ThreadItem } from "../../protocol/item.ts";
import {
  withoutApproval,
  withoutApprovalsOfItem,
  withoutApprovalsOfTurn,
  withRefusal,
} from "./approvals.ts";
import type { HostView, ThreadView, TurnView } from "./host-view.ts";
import { withThread, withView } from "./host-view.ts";
import { withPairing } from "./pairings.ts";
import { withoutDelivered } from "./pending-sends.ts";
import { changeTurn, endTurn, growItem, putItem, turnView, retryTurn } from "./turn-items.ts";

type Reducers = {
  readonly [Name in keyof Notifications]?: (
    state: HostView,
    params: Notifications[Name],
  ) => HostView;
};

const keptWarnings = 5;

const inTurn = (
  state: HostView,
  { threadId, turnId }: { threadId: string; turnId: string },
  change: (turn: TurnView) => TurnView,
): HostView => withView(state, threadId, (view) => changeTurn(view, turnId, change));

const reducers: Reducers = {
  "thread/started": (state, { thread }) => ({
    ...state,
    threads: new Map(state.threads).set(thread.id, thread),
  }),
  "farhelm/access/ending": (state, { what, endsAtMs }) => ({
    ...state,
    ending: { what, endsAtMs },
  }),
  "thread/status/changed": (state, { threadId, status }) =>
    withThread(state, threadId, (thread) => ({ ...thread, status })),
  "thread/name/updated": (state, { threadId, threadName }) =>
    withThread(state, threadId, (thread) => ({ ...thread, name: threadName })),
  "thread/archived": (state, { threadId }) => {
    const threads = new Map(state.threads);
    return threads.delete(threadId) ? { ...state, threads } : state;
  },
  "thread/tokenUsage/updated": (state, { threadId, tokenUsage }) =>
    withView(state, threadId, (view) => ({ ...view, usage: tokenUsage })),
  "turn/started": (state, { threadId, turn }) => {
    const touched = withThread(state, threadId, (thread) => ({
      ...thread,
      updatedAt: Math.max(thread.updatedAt, turn.startedAt ?? 0),
    }));
    return withView(touched, threadId, (view) =>
      changeTurn(view, turn.id, (known) =>
        known.items.length === 0 ? turnView(turn) : { ...known, status: turn.status },
      ),
    );
  },
  "turn/completed": (state, { threadId, turn }) => {
    const after = withView(state, threadId, (view) =>
      changeTurn(view, turn.id, (known) => endTurn(known, turn)),
    );
    return withoutApprovalsOfTurn(after, turn.id);
  },
  "turn/plan/updated": (state, params) =>
    inTurn(state, params, (turn) => ({
      ...turn,
      plan: { explanation: params.explanation, plan: params.plan },
    })),
  "item/started": (state, params) => {
    const noted = noteUserMessage(state, params.threadId, params.item);
    return inTurn(noted, params, (turn) => putItem(turn, params.item, false));
  },
  "item/completed": (state, params) => {
    const noted = noteUserMessage(state, params.threadId, params.item);
    const after = inTurn(noted, params, (turn) => putItem(turn, params.item, true));
    return withoutApprovalsOfItem(after, params.threadId, params.item.id);
  },
  "item/agentMessage/delta": (state, params) =>
    inTurn(state, params, (turn) =>
      growItem(
        turn,
        params.itemId,
        (item) =>
          item.type === "agentMessage" ? { ...item, text: item.text + params.delta } : item,
        () => emptyMessage(params.itemId),
      ),
    ),
  "item/reasoning/summaryPartAdded": (state, params) =>
    growSummary(state, { ...params, delta: "" }),
  "item/reasoning/summaryTextDelta": (state, params) => growSummary(state, params),
  "item/commandExecution/outputDelta": (state, params) =>
    inTurn(state, params, (turn) =>
      growItem(
        turn,
        params.itemId,
        (item) =>
          item.type === "commandExecution"
            ? { ...item, aggregatedOutput: (item.aggregatedOutput ?? "") + params.delta }
            : item,
        // What the command was cannot be guessed; the completed item tells.
        () => undefined,
      ),
    ),
  "serverRequest/resolved": (state, { threadId, requestId }) =>
    withoutApproval(state, threadId, requestId),
  "farhelm/approval/refused": (state, { requestId, message, nextStep }) =>
    withRefusal(state, requestId, { message, nextStep }),
  error: (state, params) =>
    inTurn(state, params, (turn) =>
      params.willRetry
        ? retryTurn(turn, params.error)
        : { ...turn, retrying: null, error: params.error },
    ),
  warning: (state, { threadId, message }) =>
    threadId === null
      ? { ...state, warnings: withWarning(state.warnings, message) }
      : withView(state, threadId, (view) => {
          const warnings = withWarning(view.warnings, message);
          return warnings === view.warnings ? view : { ...view, warnings };
        }),
  "farhelm/pair/changed": (state, { pairing }) => ({
    ...state,
    pairings: withPairing(state.pairings, pairing),
  }),
  configWarning: (state, { summary }) => ({
    ...state,
    warnings: withWarning(state.warnings, summary),
  }),
};

export function reduceNotification(state: HostView, notification: HostNotification): HostView {
  return applyBy(notification.method, state, notification.params);
}

/** Method and params come from one frame, so they belong together. */
function applyBy<Name extends keyof Notifications>(
  method: Name,
  state: HostView,
  params: Notifications[Name],
): HostView {
  const reducer: Reducers[Name] | undefined = Object.hasOwn(reducers, method)
    ? reducers[method]
    : undefined;
  return reducer === undefined ? state : reducer(state, params);
}

const emptyMessage = (id: ItemId): AgentMessageItem => ({
  type: "agentMessage",
  id,
  text: "",
  phase: null,
  memoryCitation: null,
  delivery: null,
  questions: null,
  moderation: null,
});

function growSummary(
  state: HostView,
  params: Notifications["item/reasoning/summaryTextDelta"],
): HostView {
  const { summaryIndex, delta, itemId } = params;
  return inTurn(state, params, (turn) =>
    growItem(
      turn,
      itemId,
      (item) => (item.type === "reasoning" ? withSummary(item, summaryIndex, delta) : item),
      () => ({ type: "reasoning", id: itemId, summary: [], content: [] }),
    ),
  );
}

function withSummary(item: ReasoningItem, index: number, delta: string): ReasoningItem {
  const summary = [...item.summary];
  while (summary.length <= index) summary.push("");
  summary[index] = (summary[index] ?? "") + delta;
  return { ...item, summary };
}

/** A person's message names a thread that had no name, and settles the send that it came from. */
function noteUserMessage(state: HostView, threadId: string, item: ThreadItem): HostView {
  if (item.type !== "userMessage") return state;
  const text = item.content.find((part) => part.type === "text");
  const named = withThread(state, threadId, (thread) =>
    thread.preview === "" && text !== undefined ? { ...thread, preview: text.text } : thread,
  );
  return withView(named, threadId, (view: ThreadView) => ({
    ...view,
    pending: withoutDelivered(view.pending, item),
  }));
}

const withWarning = (warnings: readonly string[], message: string): readonly string[] =>
  warnings.includes(message) ? warnings : [...warnings, message].slice(-keptWarnings);
