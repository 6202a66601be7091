import { ReasoningSummary } from "../protocol/settings.ts";
import type { ThreadSettings as SettingsView } from "../protocol/settings.ts";
import type { Thread } from "../protocol/thread.ts";
import type { Turn } from "../protocol/turn.ts";
import type { ThreadRecord } from "../store/port.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import type { ThreadView } from "./port.ts";
import { sentTurns } from "./sent-turns.ts";
import { statusOf } from "./thread-state.ts";
import { newestCursor } from "./paging.ts";

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** Members that this host has no use for, sent as clients expect them. Spread last: see REVIEW.md. */
const unused = {
  extra: null,
  attachedToThreadId: null,
  parentThreadId: null,
  section: null,
  sectionEnteredAt: null,
  projectId: null,
  agentNickname: null,
  agentRole: null,
  daybreakEnabled: null,
} as const;

const environmentsOf = (cwd: string, has: boolean): Thread["environments"] =>
  has ? [{ environmentId: "local", cwd, runtimeWorkspaceRoots: [cwd] }] : [];

/** A thread in memory as clients see it. */
export function threadOf(thread: LoadedThread, turns: readonly Turn[] = []): Thread {
  const { meta, settings } = thread;
  return {
    id: meta.id,
    environments: environmentsOf(settings.cwd, settings.hasEnvironment),
    sessionId: meta.sessionId,
    forkedFromId: meta.forkedFromId,
    preview: thread.preview,
    ephemeral: thread.ephemeral,
    historyMode: meta.historyMode,
    modelProvider: meta.modelProvider,
    model: settings.model,
    reasoningEffort: settings.effort,
    createdAt: seconds(meta.createdAtMs),
    updatedAt: seconds(thread.updatedAtMs),
    recencyAt: seconds(thread.recencyAtMs),
    status: statusOf(thread.state),
    path: thread.path,
    cwd: settings.cwd,
    cliVersion: meta.cliVersion,
    originator: meta.originator,
    source: meta.source,
    canAcceptDirectInput: true,
    threadSource: meta.threadSource,
    gitInfo: thread.gitInfo,
    name: thread.name,
    turns: sentTurns(turns),
    ...unused,
  };
}

/** The settings of a thread as clients are told when they change. */
export function settingsView({ settings }: LoadedThread): SettingsView {
  const { cwd, model, modelProvider, effort, approvalPolicy, sandboxPolicy } = settings;
  const summary = ReasoningSummary.safeParse(settings.summary);
  return {
    disabledPluginIds: [],
    cwd,
    environments: environmentsOf(cwd, settings.hasEnvironment),
    approvalPolicy,
    approvalsReviewer: "user",
    sandboxPolicy,
    activePermissionProfile: null,
    model,
    modelProvider,
    serviceTier: null,
    effort,
    summary: summary.success ? summary.data : null,
    collaborationMode: {
      mode: "default",
      settings: { model, reasoning_effort: effort, developer_instructions: null },
    },
    multiAgentMode: "explicitRequestOnly",
    personality: null,
  };
}

/** A thread that only the store knows. */
export function storedThread(record: ThreadRecord, turns: readonly Turn[] = []): Thread {
  return {
    id: record.id,
    environments: null,
    sessionId: record.sessionId,
    forkedFromId: record.forkedFromId,
    preview: record.preview,
    ephemeral: false,
    historyMode: record.historyMode,
    modelProvider: record.modelProvider,
    model: record.model,
    reasoningEffort: record.effort,
    createdAt: seconds(record.createdAtMs),
    updatedAt: seconds(record.updatedAtMs),
    recencyAt: seconds(record.recencyAtMs),
    status: { type: "notLoaded" },
    path: record.path,
    cwd: record.cwd,
    cliVersion: record.cliVersion,
    originator: record.originator,
    source: record.source,
    canAcceptDirectInput: null,
    threadSource: record.threadSource,
    gitInfo: record.gitInfo,
    name: record.name,
    turns: sentTurns(turns),
    ...unused,
  };
}

/** A row of a list: the store's row with what memory knows better. */
export const listedThread = (record: ThreadRecord, loaded: LoadedThread | undefined): Thread =>
  loaded ? { ...threadOf(loaded), canAcceptDirectInput: null } : storedThread(record);

/** The answer of thread/start and thread/resume. */
export function viewOf(thread: LoadedThread, turns: readonly Turn[]): ThreadView {
  const { settings } = thread;
  const all = thread.snapshot();
  const newestItem = all.findLast(({ items }) => items.length > 0)?.items.at(-1);
  return {
    thread: threadOf(thread, turns),
    stream: thread.position(),
    model: settings.model,
    modelProvider: settings.modelProvider,
    effort: settings.effort,
    cwd: settings.cwd,
    approvalPolicy: settings.approvalPolicy,
    sandboxPolicy: settings.sandboxPolicy,
    instructionSources: thread.instructionSources,
    turnsBackwardsCursor: newestCursor(all.at(-1)?.id),
    itemsBackwardsCursor: newestCursor(newestItem?.id),
  };
}
