/** Frames as a host sends them, and threads to send them about. */
import type { HostNotification, Notifications } from "../../../src/client/host-api.ts";
import { readServerFrame } from "../../../src/client/server-frame.ts";
import type { ThreadItem } from "../../../src/protocol/item.ts";
import { ThreadItem as Item } from "../../../src/protocol/item.ts";
import { Thread } from "../../../src/protocol/thread.ts";
import { Turn } from "../../../src/protocol/turn.ts";
import type { HostEvent } from "../../../src/dashboard/state/host-event.ts";
import { reduceHostEvent } from "../../../src/dashboard/state/host-event.ts";
import type { HostView, ThreadView } from "../../../src/dashboard/state/host-view.ts";
import { emptyHostView } from "../../../src/dashboard/state/host-view.ts";
import { openView } from "../../../src/dashboard/state/resume.ts";

export const thread = (id: string, overrides: object = {}): Thread =>
  Thread.parse({
    id,
    sessionId: id,
    forkedFromId: null,
    attachedToThreadId: null,
    parentThreadId: null,
    preview: "",
    ephemeral: false,
    section: null,
    sectionEnteredAt: null,
    projectId: null,
    historyMode: "paginated",
    modelProvider: "offline",
    model: "offline",
    reasoningEffort: null,
    createdAt: 1,
    updatedAt: 1,
    recencyAt: 1,
    status: { type: "idle" },
    path: null,
    cwd: "/work",
    cliVersion: "0.169.0",
    originator: null,
    source: "vscode",
    canAcceptDirectInput: true,
    threadSource: null,
    agentNickname: null,
    agentRole: null,
    gitInfo: null,
    name: null,
    daybreakEnabled: null,
    environments: null,
    extra: null,
    turns: [],
    ...overrides,
  });

export const turn = (id: string, overrides: object = {}): Turn =>
  Turn.parse({
    id,
    rootTurnId: id,
    items: [],
    itemsView: "full",
    status: "inProgress",
    error: null,
    startedAt: 5,
    completedAt: null,
    durationMs: null,
    ...overrides,
  });

export const message = (id: string, text: string, completedAtMs: number | null = 2): ThreadItem =>
  Item.parse({
    type: "agentMessage",
    id,
    text,
    phase: null,
    memoryCitation: null,
    delivery: null,
    questions: null,
    moderation: null,
    startedAtMs: 1,
    completedAtMs,
  });

export const command = (id: string, overrides: object = {}): ThreadItem =>
  Item.parse({
    type: "commandExecution",
    id,
    command: "/bin/bash -lc 'git --version'",
    cwd: "/work",
    processId: null,
    source: "agent",
    status: "inProgress",
    commandActions: [{ type: "unknown", command: "git --version" }],
    aggregatedOutput: null,
    exitCode: null,
    durationMs: null,
    pluginId: null,
    scriptPath: null,
    startedAtMs: 1,
    completedAtMs: null,
    ...overrides,
  });

export const userMessage = (id: string, text: string, clientId: string | null): ThreadItem =>
  Item.parse({
    type: "userMessage",
    id,
    clientId,
    content: [{ type: "text", text, text_elements: [] }],
    startedAtMs: 1,
    completedAtMs: 1,
  });

/** One notification, through the same reader that a socket's text goes through. */
export function pushed(method: keyof Notifications | "some/thing/new", params: object): HostEvent {
  const read = readServerFrame(JSON.stringify({ method, params }));
  if (read.kind !== "notification") throw new Error(`not a notification: ${method}`);
  const notification: HostNotification = read.frame;
  return { kind: "notified", notification };
}

/** A question of the host. */
export function asked(
  id: number,
  params: object,
  method = "item/commandExecution/requestApproval",
  gains?: object,
): HostEvent {
  const read = readServerFrame(JSON.stringify({ id, method, params, gains }));
  if (read.kind !== "request") throw new Error("not a request");
  return { kind: "asked", request: read.frame };
}

export const resumed = (id: string, turns: Turn[]): HostEvent => ({
  kind: "resumed",
  answer: { thread: thread(id, { turns }), model: "offline" },
});

export const delta = (threadId: string, itemId: string, text: string, turnId = "u1"): HostEvent =>
  pushed("item/agentMessage/delta", { threadId, turnId, itemId, delta: text });

export const started = (threadId: string, item: ThreadItem, turnId = "u1"): HostEvent =>
  pushed("item/started", { threadId, turnId, item, startedAtMs: 1 });

export const completed = (threadId: string, item: ThreadItem, turnId = "u1"): HostEvent =>
  pushed("item/completed", { threadId, turnId, item, contentTokenCount: null, completedAtMs: 2 });

export const apply = (state: HostView, ...events: readonly HostEvent[]): HostView =>
  events.reduce(reduceHostEvent, state);

/** Threads that a page has open, with an empty history and a turn that runs. */
export const opened = (...ids: readonly string[]): HostView =>
  ids.reduce(
    (state, id) => apply(openView(state, id), { kind: "connected" }, resumed(id, [turn("u1")])),
    emptyHostView,
  );

export function viewOf(state: HostView, id: string): ThreadView {
  const view = state.views.get(id);
  if (view === undefined) throw new Error(`${id} is not open`);
  return view;
}

/** Who said what, as a reader sees it. */
export const shownTexts = (state: HostView, id: string): string[] =>
  viewOf(state, id).turns.flatMap(({ items }) =>
    items.map(({ item, done }) => {
      const open = done ? "" : " …";
      if (item.type === "agentMessage") return item.text + open;
      if (item.type === "commandExecution") return `$ ${item.aggregatedOutput ?? ""}${open}`;
      return item.type + open;
    }),
  );
