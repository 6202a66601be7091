/** What features and sessions may ask of threads. The manager implements it; tests hand in a fake. */
import type { Actor } from "../audit/port.ts";
import type { Answerer } from "../auth/port.ts";
import type { ThreadAttachment } from "../protocol/attachment.ts";
import type { StreamPosition } from "../events/port.ts";
import type { DynamicTool } from "../protocol/dynamic-tools.ts";
import type { ItemId, RequestId, ThreadId, TurnId } from "../protocol/ids.ts";
import type { GoalStatus, ThreadGoal } from "../protocol/goal.ts";
import type { ThreadItemEntry } from "../protocol/item.ts";
import type { MemoryMode } from "../protocol/memory.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import type { ReadState } from "../protocol/read-state.ts";
import type { Role } from "../protocol/principal.ts";
import type { QueuedMessage } from "../protocol/queued-message.ts";
import type { SectionAppearance, ThreadSection } from "../protocol/section.ts";
import type { ApprovalPolicy, SandboxPolicy, ThreadSettings } from "../protocol/settings.ts";
import type { Thread } from "../protocol/thread.ts";
import type { TimelineEntry, Turn, TurnItemsView } from "../protocol/turn.ts";
import type { UserInput } from "../protocol/user-input.ts";
import type { BackgroundCommand, UserCommand } from "../tools/port.ts";
import type { ThreadSearch } from "./search-port.ts";

/** What a caller may set when a thread or turn starts; undefined: as it was, or as configured. */
export interface SettingsOverride {
  readonly cwd?: string | undefined;
  readonly model?: string | undefined;
  readonly modelProvider?: string | undefined;
  /** Null: the model's own. */
  readonly effort?: string | null | undefined;
  readonly summary?: string | undefined;
  readonly approvalPolicy?: ApprovalPolicy | undefined;
  readonly sandboxPolicy?: SandboxPolicy | undefined;
  /** The named profile that `sandboxPolicy` comes from. */
  readonly profileId?: string | undefined;
  readonly baseInstructions?: string | undefined;
  readonly developerInstructions?: string | undefined;
  /** Folders in which tools may work; an empty list takes the environment away. */
  readonly environments?: readonly { readonly cwd: string }[] | undefined;
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
  readonly sandboxPolicy: SandboxPolicy;
  readonly profileId: string | null;
  readonly instructionSources: readonly string[];
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

/** The messages that wait until their thread is free; each then begins a turn by itself. */
export interface ThreadQueue {
  add(
    id: ThreadId,
    message: Omit<QueuedMessage, "id">,
  ): Promise<{ readonly message: QueuedMessage } & Announcing>;
  /** `cursor` counts from the front. */
  list(
    id: ThreadId,
    page: { readonly cursor: number; readonly limit: number },
  ): Promise<{ readonly data: readonly QueuedMessage[]; readonly nextCursor: number | null }>;
  /** `clientMetadata` null: as it was. */
  update(
    id: ThreadId,
    messageId: string,
    change: Omit<QueuedMessage, "id" | "clientId">,
  ): Promise<{ readonly message: QueuedMessage } & Announcing>;
  delete(id: ThreadId, messageId: string): Promise<{ readonly deleted: boolean } & Announcing>;
  reorder(id: ThreadId, messageIds: readonly string[]): Promise<Announcing>;
  /** Begins a turn with this message, or with the next one. */
  start(id: ThreadId, messageId: string | undefined): Promise<{ readonly turn: Turn } & Announcing>;
  /** Begins with what waits, if the thread is in memory and free, and nobody interrupted it last. */
  advance(id: ThreadId): void;
  /** Takes out, of every thread, what was sent by somebody who may not send any more. */
  dropUnsendable(): Promise<void>;
}

/** What nobody read yet, for all clients together. */
export interface ThreadReadStates {
  /** Null: the thread is kept nowhere (yet). */
  of(id: ThreadId): Promise<ReadState | null>;
  /** Of stored threads, by their ids. */
  ofAll(ids: readonly ThreadId[]): Promise<Readonly<Record<string, ReadState>>>;
  /** Tells the subscribers before it resolves. `expected`: the revision that the caller saw. */
  mark(id: ThreadId, as: "read" | "unread", expected: string): Promise<ReadState>;
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

/** What a section is called and how it looks; `appearance` undefined: as it was, or none. */
export interface SectionChange {
  readonly name: string;
  readonly appearance?: SectionAppearance | null | undefined;
}

/** The parts into which people put threads. */
export interface Sections {
  /** By id, behind `after`. */
  list(page: {
    readonly after: string;
    readonly limit: number;
  }): Promise<{ data: ThreadSection[]; nextCursor: string | null }>;
  create(section: SectionChange): Promise<ThreadSection>;
  update(id: string, change: SectionChange): Promise<ThreadSection>;
  /** Its threads are in no section then. */
  delete(id: string): Promise<void>;
  /** In front of `before`, or behind all others; null: out of its section. */
  move(id: ThreadId, sectionId: string | null, before: ThreadId | undefined): Promise<Announcing>;
}

/** By what an attachment of a thread is known. */
export interface AttachmentKey {
  readonly attachmentType: string;
  readonly identityKey: string;
}

export interface Attachments {
  /** `isNew` false: the thread had it already, and keeps it as it was. */
  add(
    id: ThreadId,
    attachment: AttachmentKey & { readonly payload: unknown },
  ): Promise<{ readonly attachment: ThreadAttachment; readonly isNew: boolean } & Announcing>;
  /** In the order in which they were added. */
  list(id: ThreadId): Promise<readonly ThreadAttachment[]>;
  remove(id: ThreadId, key: AttachmentKey): Promise<Announcing>;
  /** The threads that have it, by their ids. */
  owners(
    key: AttachmentKey,
  ): Promise<readonly { readonly threadId: ThreadId; readonly archived: boolean }[]>;
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

/** What of a goal is to be otherwise; undefined: as it was. */
export interface GoalChange {
  /** Another one is another goal. */
  readonly objective?: string | undefined;
  readonly status?: GoalStatus | undefined;
  /** Null: none. */
  readonly tokenBudget?: number | null | undefined;
}

/** What threads work towards by themselves: a goal that is active begins turns. */
export interface ThreadGoals {
  get(id: ThreadId): Promise<ThreadGoal | null>;
  /** `from`: the principal who wishes it; when it may not send any more, the goal is paused. */
  set(
    id: ThreadId,
    change: GoalChange,
    from: string,
  ): Promise<{ readonly goal: ThreadGoal } & Announcing>;
  clear(id: ThreadId): Promise<{ readonly cleared: boolean } & Announcing>;
  /** Goes on where the thread is in memory, free, and its goal active. */
  advance(id: ThreadId): void;
}

/** A ready frame: a notification of `method`, or the server request `ask`. */
export interface CatchUpFrame {
  readonly frame: Buffer;
  readonly method: string;
  readonly ask?: {
    readonly requestId: RequestId;
    readonly role: Role;
    /** It says something else now than when it was put: a new nonce to sign. */
    readonly changed: boolean;
  };
}

/** A server request that waits, for who sees it among those of other threads. */
export interface WaitingRequest {
  readonly threadId: ThreadId;
  readonly threadName: string | null;
  readonly cwd: string;
  readonly turnId: TurnId;
  readonly itemId: ItemId;
  readonly requestId: RequestId;
  readonly method: string;
  /** As they are now. */
  readonly params: object;
  readonly askedAtMs: number;
  /** The weakest role that may answer it. */
  readonly role: Role;
}

export type ClientAnswer = { readonly result: unknown } | { readonly error: unknown };

/** What became of an answer. `unknown`: nothing of that id waits. `refused`: it does not count, and the question stays open. */
export type AnswerOutcome =
  | { readonly kind: "taken" }
  | { readonly kind: "unknown" }
  | {
      readonly kind: "refused";
      readonly threadId: ThreadId;
      readonly turnId: TurnId;
      readonly code: string;
      readonly message: string;
      readonly nextStep: string;
      /** Set: the request as it is now, for this connection. */
      readonly again: Buffer | undefined;
      /** The client shows no sign that it knows of signatures: it is told in words that such clients show, too. */
      readonly inWords: boolean;
    };

/**
 * Every method rejects with `RpcError` where the caller is at fault. Methods that return
 * `announce` have done their work already; `announce()` tells the clients and must run after the answer.
 */
export interface Threads {
  readonly queue: ThreadQueue;
  readonly readStates: ThreadReadStates;
  readonly reverting: ThreadRevert;
  readonly goals: ThreadGoals;
  readonly search: ThreadSearch;
  readonly sections: Sections;
  readonly terminals: BackgroundTerminals;
  readonly attachments: Attachments;
  start(options: StartOptions): Promise<{ view: ThreadView; readonly announce: () => void }>;
  /** The options have no effect on a thread that is in memory, but for `wakesGoal`. */
  resume(id: ThreadId, options: ResumeOptions): Promise<ThreadView & Announcing>;
  read(id: ThreadId, includeTurns: boolean): Promise<Thread>;
  list(query: ThreadListQuery): Promise<Page<Thread>>;
  loaded(): readonly ThreadId[];
  rename(id: ThreadId, name: string): Promise<{ readonly announce: () => void }>;
  archive(id: ThreadId): Promise<{ readonly announce: () => void }>;
  /** A new thread that begins with another one's past. */
  fork(
    source: ThreadId,
    options: ForkOptions,
  ): Promise<{ view: ThreadView; readonly announce: () => void }>;
  delete(id: ThreadId): Promise<{ readonly announce: () => void }>;
  setGitInfo(id: ThreadId, change: GitInfoChange): Promise<Thread>;
  /** A choice that clients keep with the thread. One in which nothing was said is written down. */
  setDaybreak(id: ThreadId, enabled: boolean): Promise<Thread>;
  unarchive(id: ThreadId): Promise<{ thread: Thread; readonly announce: () => void }>;
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
  startTurn(id: ThreadId, start: TurnStart): Promise<{ turn: Turn; readonly announce: () => void }>;
  steer(
    id: ThreadId,
    expected: TurnId,
    input: readonly UserInput[],
    clientId: string | null,
    context?: readonly ContextEntry[],
  ): Promise<{ turnId: TurnId; readonly announce: () => void }>;
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
  /** Whether the thread is in memory. */
  isLoaded(id: ThreadId): boolean;
  /**
   * The thread whose rollout is at `path`. With `running`, a thread in memory, it must be that one's.
   * Rejects with an `RpcError`.
   */
  idAt(path: string, running: ThreadId | undefined): Promise<ThreadId>;
  /** Notifications and pending server requests that one who just subscribed must get. */
  catchUp(id: ThreadId): readonly CatchUpFrame[];
  /** What waits for answers in all threads, oldest first. */
  inbox(): readonly WaitingRequest[];
  /** A client's answer to a server request. */
  answer(requestId: RequestId, outcome: ClientAnswer, by: Answerer): AnswerOutcome;
  /** The answer of one who was not asked: it has no effect but a line in the audit log. */
  refuseAnswer(requestId: RequestId, by: Actor): void;
}
