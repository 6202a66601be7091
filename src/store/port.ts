/**
 * Where threads are kept. Every read and write of thread data goes through this port, in the
 * thread's own terms; the form on disk is the backend's affair.
 */
import type { DynamicTool } from "../protocol/dynamic-tools.ts";
import type { ThreadId, TurnId } from "../protocol/ids.ts";
import type { ThreadItem } from "../protocol/item.ts";
import type { ModelItem } from "../protocol/model-item.ts";
import type { PermissionProfile } from "../protocol/permission-profile.ts";
import type { ApprovalPolicy } from "../protocol/settings.ts";
import type { GitInfo, SessionSource } from "../protocol/thread.ts";
import type { TurnChoices } from "../protocol/turn-choices.ts";
import type { ThreadTokenUsage, Turn, TurnError } from "../protocol/turn.ts";

/** What is known of a thread when it is made. */
export interface ThreadMeta {
  readonly id: ThreadId;
  readonly sessionId: string;
  readonly forkedFromId: ThreadId | null;
  /** Unix time in milliseconds. */
  readonly createdAtMs: number;
  readonly cwd: string;
  readonly originator: string;
  readonly cliVersion: string;
  readonly source: SessionSource;
  readonly threadSource: string | null;
  readonly modelProvider: string;
  readonly baseInstructions: string | null;
  readonly historyMode: "legacy" | "paginated";
  readonly gitInfo: GitInfo | null;
  /** Tools that the client offered that made it; none in the rows of a list. */
  readonly dynamicTools?: readonly DynamicTool[];
}

/** The settings under which a turn ran. */
export interface TurnSettings {
  readonly cwd: string;
  readonly model: string;
  readonly modelProvider: string;
  readonly effort: string | null;
  readonly summary: string | null;
  readonly approvalPolicy: ApprovalPolicy;
  readonly permissionProfile: PermissionProfile;
  /** Left out where nobody ever chose. */
  readonly choices?: TurnChoices;
}

/** One thing to remember, in the order in which it happened. */
export type HistoryEvent =
  | { readonly kind: "turnStarted"; readonly turnId: TurnId; readonly startedAtMs: number }
  | { readonly kind: "turnSettings"; readonly turnId: TurnId; readonly settings: TurnSettings }
  /** Settings that were changed between turns, for those to come. */
  | { readonly kind: "settings"; readonly settings: TurnSettings }
  /** `turnId` null: put there by a client, outside of any turn. */
  | { readonly kind: "modelItem"; readonly turnId: TurnId | null; readonly item: ModelItem }
  /** The conversation so far gives way to `items`; `summary` says what was in it. Turns and their items stay. */
  | {
      readonly kind: "compacted";
      readonly turnId: TurnId;
      readonly summary: string;
      readonly items: readonly ModelItem[];
    }
  | { readonly kind: "itemCompleted"; readonly turnId: TurnId; readonly item: ThreadItem }
  | { readonly kind: "tokenUsage"; readonly turnId: TurnId; readonly usage: ThreadTokenUsage }
  | { readonly kind: "turnError"; readonly turnId: TurnId; readonly error: TurnError }
  | {
      readonly kind: "turnEnded";
      readonly turnId: TurnId;
      readonly status: "completed" | "failed" | "interrupted";
      readonly startedAtMs: number;
      readonly completedAtMs: number;
      readonly lastAgentMessage: string | null;
    };

/** One thread as the index knows it. Times are Unix milliseconds. `baseInstructions` is null but in `load`. */
export interface ThreadRecord extends ThreadMeta {
  readonly updatedAtMs: number;
  readonly recencyAtMs: number;
  readonly preview: string;
  readonly name: string | null;
  readonly archived: boolean;
  /** The latest persisted model and effort. */
  readonly model: string | null;
  readonly effort: string | null;
  /** The rollout file, where the backend has one. */
  readonly path: string | null;
}

/** A thread's whole past. A turn without an end reads `interrupted`. */
export interface History {
  readonly record: ThreadRecord;
  /** Oldest first, `itemsView: "full"`. */
  readonly turns: readonly Turn[];
  /** What the model is sent, oldest first. */
  readonly modelItems: readonly ModelItem[];
  readonly settings: TurnSettings | null;
  readonly usage: ThreadTokenUsage | null;
  /** The turn to which `usage` belongs. */
  readonly usageTurnId: TurnId | null;
}

export interface ThreadQuery {
  readonly archived: boolean;
  /** Exact folders; an empty list matches nothing. */
  readonly cwds?: readonly string[];
  readonly modelProviders?: readonly string[];
  /** As `protocol/session-source.ts` names them. */
  readonly sources?: readonly string[];
  readonly excludedIds?: readonly ThreadId[];
  /** The thread whose agent began the listed ones. */
  readonly parentId?: ThreadId;
  /** The same at any depth. */
  readonly ancestorId?: ThreadId;
  /** Answers from the index as it is. */
  readonly indexOnly?: boolean;
  /** Case-sensitive, in the preview or the name. */
  readonly searchTerm?: string;
  /** Threads with a note of this kind under `label`; null: those without one. */
  readonly noted?: { readonly kind: string; readonly label: string | null };
  /** `note_position` needs `noted` with a label. */
  readonly sortKey: "created_at" | "updated_at" | "recency_at" | "note_position";
  readonly sortDirection: "asc" | "desc";
  /** An opaque cursor of an earlier page. */
  readonly cursor?: string;
  /** 1 to 100. */
  readonly limit: number;
}

export interface ThreadPage {
  readonly data: readonly ThreadRecord[];
  readonly nextCursor: string | null;
  readonly backwardsCursor: string | null;
}

/** Whose messages a text stands in; what `ThreadQuery` says of its members holds here. */
export interface SearchQuery extends Pick<
  ThreadQuery,
  "archived" | "sources" | "sortDirection" | "cursor" | "limit"
> {
  /** Not empty. Case does not count. */
  readonly term: string;
  readonly sortKey: Exclude<ThreadQuery["sortKey"], "note_position">;
}

export interface FoundThread {
  readonly record: ThreadRecord;
  /** The first message in which the term stands, around it, on one line. */
  readonly snippet: string;
}

export interface SearchPage extends Omit<ThreadPage, "data"> {
  readonly data: readonly FoundThread[];
}

/** Where a fork leaves its source; without either, at the source's end. */
export interface ForkCut {
  /** The last turn to keep. */
  readonly lastTurnId?: TurnId;
  /** The first turn to leave out. */
  readonly beforeTurnId?: TurnId;
}

/** A kind of note: its name in the store, and how one is read. */
export interface NoteKind<T> {
  readonly name: string;
  /** Throws where what is stored is no such note. */
  parse(value: unknown): T;
}

/** Under what a note is found again, and where it stands there: a whole number from 0, of the caller's choice. */
export interface NoteLabel {
  readonly label: string;
  readonly position?: number;
}

/** A note as it is to be from now on. */
export interface NoteDraft<T> {
  /** Anything that JSON can hold. */
  readonly value: T;
  readonly labels?: readonly NoteLabel[];
}

/** The thread that has a note, and the note. */
export interface FoundNote<T> {
  readonly threadId: ThreadId;
  readonly archived: boolean;
  readonly value: T;
}

/**
 * Small JSON documents beside threads: at most one of a kind for each thread, gone with the thread.
 * In place of a thread, `null` stands for the store as a whole, which has notes of its own.
 */
export interface ThreadNotes {
  /** undefined: there is none. Rejects with `StoreError` (`corrupt`). */
  read<T>(id: ThreadId | null, kind: NoteKind<T>): Promise<T | undefined>;
  /** The notes of those among `ids` that have one. */
  readAll<T>(ids: readonly ThreadId[], kind: NoteKind<T>): Promise<ReadonlyMap<ThreadId, T>>;
  /**
   * Replaces the note by what `next` makes of it, atomically; undefined takes it away, and what it
   * throws leaves the note as it was. `next` may run more than once. First the thread is looked up
   * where it is kept: the index then says what is true now. Rejects with `StoreError`: `notFound` for
   * a thread of which nothing is written yet, or any more.
   */
  change<T>(
    id: ThreadId | null,
    kind: NoteKind<T>,
    next: (before: T | undefined) => NoteDraft<T> | undefined,
  ): Promise<void>;
  /** The known threads that have such a note, with `label` where one is given: by position, then by thread. */
  find<T>(kind: NoteKind<T>, label?: string): Promise<readonly FoundNote<T>[]>;
}

/** How far the background reading of an unknown history is. */
export interface IndexProgress {
  readonly state: "running" | "done" | "failed";
  readonly indexed: number;
  readonly total: number;
}

/** A thread that is open for writing by this program. */
export interface ThreadWriter {
  /** Resolves once the events are with the operating system, in call order. Rejects with `StoreError` and writes nothing half. */
  append(events: readonly HistoryEvent[]): Promise<void>;
  /** Waits for what is queued and gives the thread up. */
  close(): Promise<void>;
}

export interface ThreadStore {
  readonly notes: ThreadNotes;
  /** Reserves a new thread. Nothing is written before the first `append`. */
  create(meta: ThreadMeta): ThreadWriter;
  /** Where the thread's file is or will be; null in a store without files. */
  pathOf(meta: ThreadMeta): string | null;
  /** Opens a known thread for more. Rejects with `StoreError` (`notFound`, `busy`). */
  open(id: ThreadId): Promise<ThreadWriter>;
  /**
   * Makes `meta` a thread that begins with another one's history, kept in the source's form. It is
   * stored when this resolves; a turn that was cut short reads interrupted, and the model is told.
   * Rejects with `StoreError`: `notFound` (the source, or the turn), `busy` (`lastTurnId` still runs).
   */
  fork(source: ThreadId, meta: ThreadMeta, cut?: ForkCut): Promise<ThreadWriter>;
  /**
   * The thread whose history is the file at `path`; a relative one counts from CODEX_HOME. Rejects with
   * `StoreError`: `badPath`, always in a store without files, or `corrupt`.
   */
  threadAt(path: string): Promise<ThreadId>;
  /** One row, or undefined; looks at the disk too when the index does not know it yet. */
  find(id: ThreadId): Promise<ThreadRecord | undefined>;
  /** Rejects with `StoreError` `notFound`. */
  load(id: ThreadId): Promise<History>;
  list(query: ThreadQuery): Promise<ThreadPage>;
  /** Threads in which a person or the agent said something; a turn that runs may be missing. */
  search(query: SearchQuery): Promise<SearchPage>;
  rename(id: ThreadId, name: string): Promise<void>;
  setArchived(id: ThreadId, archived: boolean): Promise<ThreadRecord>;
  /** Replaces what is known of the thread's repository. Rejects with `StoreError` (`notFound`, `busy`). */
  setGitInfo(id: ThreadId, gitInfo: GitInfo | null): Promise<ThreadRecord>;
  /**
   * Takes a turn back and all that came after it: what is read from now on ends before it. What was
   * forked from the thread earlier stays as it is. The preview stays where no message is left.
   * Rejects with `StoreError`: `notFound` (the thread, or the turn), or `busy` while the thread is
   * open for writing, here too.
   */
  revert(id: ThreadId, beforeTurnId: TurnId): Promise<ThreadRecord>;
  /**
   * Removes a thread for good, archived or not, and gives it up when it is open here. Rejects with
   * `StoreError`: `notFound`, or `busy` while another program writes it or a fork reads from it.
   */
  delete(id: ThreadId): Promise<void>;
  progress(): IndexProgress;
  close(): Promise<void>;
}

/** Whose call it is, and the key under which its client may make it again. */
export interface CallId {
  readonly principalId: string;
  readonly key: string;
}

/** What became of a call: `begun` until its end is written down, which a host that died never did. */
export type KeptCall =
  | { readonly kind: "begun"; readonly digest: string }
  /** `answer`: the JSON text given to `finish`; null when it was not kept. */
  | { readonly kind: "ended"; readonly digest: string; readonly answer: string | null };

/** Bounds of every `CallLedger`. */
export const callLedgerLimits = {
  keptForMs: 24 * 60 * 60 * 1000,
  callsOfPrincipal: 10_000,
  calls: 100_000,
  answerBytes: 256 * 1024,
  answerBytesOfPrincipal: 16 * 1024 * 1024,
  answerBytesOfAll: 64 * 1024 * 1024,
};

/** Calls that may come twice: what began, what ended, how it was answered. All reject with `StoreError`. */
export interface CallLedger {
  /**
   * Writes down that a call begins, unless one of this id is known: that is given back and stays as it is. `full`: no
   * more fit, for this principal or at all. `digest`: of what is called and with what. Stored when this resolves.
   */
  begin(id: CallId, digest: string): Promise<"new" | "full" | KeptCall>;
  /** Writes down that it ended; an answer beyond the bounds, or null, is not kept. Stored when this resolves. */
  finish(id: CallId, answer: string | null): Promise<void>;
  /** Drops all of a principal. */
  forget(principalId: string): Promise<void>;
}

/** A failure of the store itself; a local error that never crosses the wire as it is. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly kind:
    | "notFound"
    | "busy"
    | "diskFull"
    | "readOnly"
    | "corrupt"
    | "io"
    | "badCursor"
    | "badPath";

  constructor(kind: StoreError["kind"], message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** `kind` is the name of a kind of note. */
export const unreadableNote = (kind: string, cause: unknown): StoreError =>
  new StoreError(
    "corrupt",
    `What is kept of the thread as ${kind} cannot be read. Update Farhelm, or delete the thread.`,
    cause,
  );

/** A store without files is asked for one. */
export const noPaths = (path: string): StoreError =>
  new StoreError(
    "badPath",
    `failed to resolve rollout path \`${path}\`: this host keeps its threads in no files. Name the thread by its id.`,
  );
