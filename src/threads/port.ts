/** What features and sessions may ask of threads. The manager implements it; tests hand in a fake. */
import type { StreamPosition } from "../events/port.ts";
import type { DynamicTool } from "../protocol/dynamic-tools.ts";
import type { ThreadId, TurnId } from "../protocol/ids.ts";
import type { ThreadItemEntry } from "../protocol/item.ts";
import type { MemoryMode } from "../protocol/memory.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import type { Permissions } from "../permissions/configured-profile.ts";
import type { ActivePermissionProfile, PermissionProfile } from "../protocol/permission-profile.ts";
import type { ApprovalPolicy, ThreadSettings } from "../protocol/settings.ts";
import type { Thread } from "../protocol/thread.ts";
import type { TurnChoices } from "../protocol/turn-choices.ts";
import type { TimelineEntry, Turn, TurnItemsView } from "../protocol/turn.ts";
import type { UserInput } from "../protocol/user-input.ts";
import type { BackgroundCommand, UserCommand } from "../tools/port.ts";
import type { WatchedThreads } from "./connections-port.ts";
import type { ThreadSearch } from "./search-port.ts";
import type {
  Attachments,
  Sections,
  ThreadGoals,
  ThreadQueue,
  ThreadReadStates,
} from "./side-state-port.ts";

/** What a caller may set when a thread or turn starts; undefined: as it was, or as configured. */
export interface SettingsOverride {
  readonly cwd?: string | undefined;
  readonly model?: string | undefined;
  readonly modelProvider?: string | undefined;
  /** Null: the model's own. */
  readonly effort?: string | null | undefined;
  readonly summary?: string | undefined;
  readonly approvalPolicy?: ApprovalPolicy | undefined;
  readonly permissions?: Permissions | undefined;
  readonly baseInstructions?: string | undefined;
  readonly developerInstructions?: string | undefined;
  /** Folders in which tools may work; an empty list takes the environment away. */
  readonly environments?: readonly { readonly cwd: string }[] | undefined;
  /** Of `modeInstructions` null: what this host tells the model of the mode. */
  readonly choices?: Partial<TurnChoices> | undefined;
}

/** Dotted config keys of one thread. */
export type ThreadConfig = Readonly<Record<string, unknown>>;

export interface ResumeOptions extends SettingsOverride {
  readonly includeTurns: boolean;
  readonly config?: ThreadConfig;
  /** Whether the caller chooses model or effort: then nothing of what was stored of them comes back. */
  readonly choosesModel?: boolean;
  /** A page of turns that the answer shows, beside the turns or instead of them. */
  readonly initialTurns?: TurnsQuery | undefined;
  /** A goal that was paused is active again. */
  readonly wakesGoal?: boolean;
  /** Who was there before may come back to a thread in which nothing was said yet; to others it is not there. */
  readonly comesBack?: boolean;
}

export interface StartOptions extends SettingsOverride {
  readonly ephemeral: boolean;
  readonly historyMode: "legacy" | "paginated" | undefined;
  readonly threadSource: string | null;
  /** See `setDaybreak`. */
  readonly daybreakEnabled?: boolean | null;
  /** Tools that the client runs for the agent. */
  readonly dynamicTools?: readonly DynamicTool[];
  /** The client's name. */
  readonly originator: string;
  readonly config: ThreadConfig;
}

/** Where a fork ends, and who asked for it. */
export interface ForkOptions extends SettingsOverride {
  readonly config?: ThreadConfig;
  /** Whether the fork goes on with the settings of its source, which must be in memory. */
  readonly inheritsSettings?: boolean;
  readonly includeTurns: boolean;
  readonly ephemeral: boolean;
  readonly threadSource: string | null;
  readonly originator: string;
  /** The last turn that comes along. */
  readonly lastTurnId: TurnId | undefined;
  /** The first turn that does not. */
  readonly beforeTurnId: TurnId | undefined;
}

/** undefined: as it is; null: taken away. */
export interface GitInfoChange {
  readonly sha?: string | null | undefined;
  readonly branch?: string | null | undefined;
  readonly originUrl?: string | null | undefined;
}

/** A thread with the settings in force, as thread/start, resume and fork answer. */
export interface ThreadView {
  readonly thread: Thread;
  /** The place in the thread's events that it shows. */
  readonly stream: StreamPosition;
  readonly model: string;
  readonly modelProvider: string;
  readonly effort: string | null;
  readonly cwd: string;
  readonly approvalPolicy: ApprovalPolicy;
  readonly permissionProfile: PermissionProfile;
  readonly activeProfile: ActivePermissionProfile | null;
  readonly instructionSources: readonly string[];
  readonly serviceTier: string | null;
  readonly disabledPluginIds: readonly string[];
  readonly collaborationMode: ThreadSettings["collaborationMode"];
  readonly initialTurnsPage: Page<Turn> | null;
  readonly turnsBackwardsCursor: string | null;
  readonly itemsBackwardsCursor: string | null;
}

/** Something that a client lets the model know beside a person's words. */
export interface ContextEntry {
  /** The client's own name for where it comes from. */
  readonly key: string;
  readonly value: string;
  /** `application`: the client's own word; `untrusted`: whatever it found. */
  readonly kind: "application" | "untrusted";
  /** Of `untrusted` ones: how the model sees it named. */
  readonly name: string | null;
}

/** What a person says, and what the client adds to it. */
export interface PersonsWords {
  readonly input: readonly UserInput[];
  readonly clientId: string | null;
  readonly context?: readonly ContextEntry[];
}

export interface TurnStart extends SettingsOverride, PersonsWords {
  /** The id of the new turn, where it had to be known before; such a start never joins a turn that runs. */
  readonly turnId?: TurnId;
  readonly outputSchema: unknown;
  /** Of this turn alone, where it is a new one. */
  readonly serviceTier?: string | undefined;
}

export interface PageQuery {
  readonly cursor: string | undefined;
  readonly limit: number;
  readonly direction: "asc" | "desc";
}

export interface Page<T> {
  readonly data: readonly T[];
  readonly nextCursor: string | null;
  readonly backwardsCursor: string | null;
}

export interface ThreadListQuery extends PageQuery {
  readonly archived: boolean;
  readonly cwds: readonly string[] | undefined;
  readonly modelProviders: readonly string[] | undefined;
  readonly sourceKinds: readonly string[] | undefined;
  readonly searchTerm: string | undefined;
  /** Null: those in no section. */
  readonly sectionId: string | null | undefined;
  /** `section_position` needs a `sectionId`, and counts upwards whatever the direction. */
  readonly sortKey: "created_at" | "updated_at" | "recency_at" | "section_position";
  /** Threads that do not count. */
  readonly excludedIds?: readonly ThreadId[];
  /** The thread whose agent began the listed ones. */
  readonly parentId?: ThreadId | undefined;
  /** The same at any depth. */
  readonly ancestorId?: ThreadId | undefined;
  /** Whether the index answers as it is, without a look at what lies in the store. */
  readonly indexOnly?: boolean;
}

export interface TurnsQuery extends PageQuery {
  readonly view: TurnItemsView;
}

export interface ItemsQuery extends PageQuery {
  readonly turnId: TurnId | undefined;
  /** The page lies just past this item of the turn, in the direction that is asked for. */
  readonly afterItemId: string | undefined;
  /** Whose outputs are left out. */
  readonly deferOutput: { readonly commands: boolean; readonly toolCalls: boolean } | undefined;
}

/** The work is done and stored; `announce` tells the clients and must run after the answer. */
export interface Announcing {
  readonly announce: () => void;
}

/** Turns that people take back. Files that the agent changed stay as they are. */
export interface ThreadRevert {
  /**
   * This turn and all after it, of a `paginated` thread in memory. A turn that runs is interrupted;
   * the thread is taken into memory anew.
   */
  revert(id: ThreadId, beforeTurnId: TurnId): Promise<{ readonly view: ThreadView } & Announcing>;
  /** So many of the last turns, or all; refused while one runs. The thread comes with those that are left. */
  rollback(id: ThreadId, turnCount: number): Promise<{ readonly thread: Thread } & Announcing>;
}

/** The agent's commands that go on by themselves, in a thread in memory. */
export interface BackgroundTerminals {
  /** By their numbers. */
  list(id: ThreadId): readonly BackgroundCommand[];
  /** False: there is none of that number. Its item is completed when it has ended. */
  terminate(id: ThreadId, processId: number): boolean;
  /** All of them. */
  clean(id: ThreadId): void;
}

/**
 * Every method rejects with `RpcError` where the caller is at fault. Methods that return
 * `announce` have done their work already; `announce()` tells the clients and must run after the answer.
 */
export interface Threads extends WatchedThreads {
  readonly queue: ThreadQueue;
  readonly readStates: ThreadReadStates;
  readonly reverting: ThreadRevert;
  readonly goals: ThreadGoals;
  readonly search: ThreadSearch;
  readonly sections: Sections;
  readonly terminals: BackgroundTerminals;
  readonly attachments: Attachments;
  start(options: StartOptions): Promise<{ readonly view: ThreadView } & Announcing>;
  /** The options have no effect on a thread that is in memory, but for `wakesGoal`. */
  resume(id: ThreadId, options: ResumeOptions): Promise<ThreadView & Announcing>;
  read(id: ThreadId, includeTurns: boolean): Promise<Thread>;
  list(query: ThreadListQuery): Promise<Page<Thread>>;
  loaded(): readonly ThreadId[];
  rename(id: ThreadId, name: string): Promise<Announcing>;
  archive(id: ThreadId): Promise<Announcing>;
  /** A new thread that begins with another one's past. */
  fork(source: ThreadId, options: ForkOptions): Promise<{ readonly view: ThreadView } & Announcing>;
  delete(id: ThreadId): Promise<Announcing>;
  setGitInfo(id: ThreadId, change: GitInfoChange): Promise<Thread>;
  /** A choice that clients keep with the thread. One in which nothing was said is written down. */
  setDaybreak(id: ThreadId, enabled: boolean): Promise<Thread>;
  unarchive(id: ThreadId): Promise<{ readonly thread: Thread } & Announcing>;
  turns(id: ThreadId, query: TurnsQuery): Promise<Page<Turn>>;
  items(id: ThreadId, query: ItemsQuery): Promise<Page<ThreadItemEntry>>;

  /** Those of a turn's items that are named and there, oldest first. */
  itemsNamed(
    id: ThreadId,
    turnId: TurnId,
    itemIds: readonly string[],
  ): Promise<readonly ThreadItemEntry[]>;
  /** Items with the beginnings and ends of their turns: the last page first, each oldest first. */
  timeline(
    id: ThreadId,
    query: { readonly cursor: string | undefined; readonly limit: number },
  ): Promise<{ readonly data: readonly TimelineEntry[]; readonly nextCursor: string | null }>;

  /** The new turn; `announce` sets it going. While one runs: that turn, and the input joins it. */
  startTurn(id: ThreadId, start: TurnStart): Promise<{ readonly turn: Turn } & Announcing>;
  steer(
    id: ThreadId,
    expected: TurnId,
    input: readonly UserInput[],
    clientId: string | null,
    context?: readonly ContextEntry[],
  ): Promise<{ readonly turnId: TurnId } & Announcing>;
  /** Resolves when the turn has ended; rejects at once when it is not active. */
  interrupt(id: ThreadId, turnId: TurnId): Promise<Announcing>;
  /** A person's own command, outside any sandbox: in the turn that runs, else in one of its own. */
  runShellCommand(id: ThreadId, command: UserCommand): Promise<Announcing>;
  /** Shortens what the model is sent, in a turn of its own; a turn that runs is interrupted. */
  compact(id: ThreadId): Promise<Announcing>;
  /** Whether memories may be made of a thread. A thread in which nothing was said is written down. */
  setMemoryMode(id: ThreadId, mode: MemoryMode): Promise<void>;
  /** Adds to what the model is sent; people are shown nothing of it. */
  injectItems(id: ThreadId, items: readonly ModelItem[]): Promise<void>;
  /** For turns to come. */
  updateSettings(id: ThreadId, override: SettingsOverride): Promise<Announcing>;

  /** Where a thread in memory works; undefined for others. */
  cwdOf(id: ThreadId): string | undefined;
  /**
   * The thread whose rollout is at `path`. With `running`, a thread in memory, it must be that one's.
   * Rejects with an `RpcError`.
   */
  idAt(path: string, running: ThreadId | undefined): Promise<ThreadId>;
}
