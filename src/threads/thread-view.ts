import { policyOfProfile } from "../permissions/legacy-policy.ts";
import { ReasoningSummary } from "../protocol/settings.ts";
import type { ThreadSettings as SettingsView } from "../protocol/settings.ts";
import type { SessionSource, Thread } from "../protocol/thread.ts";
import { noChoices, tierShown } from "../protocol/turn-choices.ts";
import type { Turn } from "../protocol/turn.ts";
import type { ThreadRecord } from "../store/port.ts";
import { spawnOf } from "../protocol/session-source.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import type { ThreadView, TurnsQuery } from "./port.ts";
import { sentTurns } from "./sent-turns.ts";
import type { ThreadSettings } from "./settings.ts";
import { statusOf } from "./thread-state.ts";
import { newestCursor } from "./paging.ts";
import { turnsPage } from "./turn-views.ts";

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** Members that this host has no use for, sent as clients expect them. Spread last: see REVIEW.md. */
const unused = {
  extra: null,
  attachedToThreadId: null,
  section: null,
  sectionEnteredAt: null,
  projectId: null,
  daybreakEnabled: null,
} as const;

const environmentsOf = (cwd: string, has: boolean): Thread["environments"] =>
  has ? [{ environmentId: "local", cwd, runtimeWorkspaceRoots: [cwd] }] : [];

/** Who began the thread, if an agent did. */
function spawnView(
  source: SessionSource,
): Pick<Thread, "parentThreadId" | "agentNickname" | "agentRole"> {
  const spawn = spawnOf(source);
  return {
    parentThreadId: spawn?.parentId ?? null,
    agentNickname: spawn?.nickname ?? null,
    agentRole: spawn?.role ?? null,
  };
}

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
    ...spawnView(meta.source),
    canAcceptDirectInput: true,
    threadSource: meta.threadSource,
    gitInfo: thread.gitInfo,
    name: thread.name,
    turns: sentTurns(turns),
    ...unused,
  };
}

const collaborationOf = ({
  model,
  effort,
  choices = noChoices,
}: ThreadSettings): SettingsView["collaborationMode"] => ({
  mode: choices.mode,
  settings: {
    model,
    reasoning_effort: effort,
    developer_instructions: choices.modeInstructions,
  },
});

/** The settings of a thread as clients are told when they change. */
export function settingsView({ settings }: LoadedThread): SettingsView {
  const { cwd, model, modelProvider, effort, approvalPolicy } = settings;
  const summary = ReasoningSummary.safeParse(settings.summary);
  const { choices = noChoices } = settings;
  return {
    disabledPluginIds: [...choices.disabledPluginIds],
    cwd,
    environments: environmentsOf(cwd, settings.hasEnvironment),
    approvalPolicy,
    approvalsReviewer: "user",
    sandboxPolicy: policyOfProfile(settings.permissionProfile),
    activePermissionProfile: settings.activeProfile,
    model,
    modelProvider,
    serviceTier: choices.serviceTier,
    effort,
    summary: summary.success ? summary.data : null,
    collaborationMode: collaborationOf(settings),
    multiAgentMode: "explicitRequestOnly",
    personality: choices.personality,
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
    ...spawnView(record.source),
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
export function viewOf(
  thread: LoadedThread,
  turns: readonly Turn[],
  initialTurns?: TurnsQuery,
): ThreadView {
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
    permissionProfile: settings.permissionProfile,
    activeProfile: settings.activeProfile,
    serviceTier: tierShown(settings.choices),
    disabledPluginIds: settings.choices?.disabledPluginIds ?? [],
    collaborationMode: collaborationOf(settings),
    initialTurnsPage: initialTurns ? turnsPage(all, initialTurns) : null,
    instructionSources: thread.instructionSources,
    turnsBackwardsCursor: newestCursor(all.at(-1)?.id),
    itemsBackwardsCursor: newestCursor(newestItem?.id),
  };
}
