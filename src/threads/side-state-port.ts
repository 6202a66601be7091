/** What may be asked about what is kept beside threads; a part of the threads' port. */
import type { ThreadAttachment } from "../protocol/attachment.ts";
import type { GoalStatus, ThreadGoal } from "../protocol/goal.ts";
import type { ThreadId } from "../protocol/ids.ts";
import type { QueuedMessage } from "../protocol/queued-message.ts";
import type { ReadState } from "../protocol/read-state.ts";
import type { SectionAppearance, ThreadSection } from "../protocol/section.ts";
import type { Turn } from "../protocol/turn.ts";
import type { Announcing } from "./port.ts";

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

/** What nobody read yet, for all clients together. */
export interface ThreadReadStates {
  /** Null: the thread is kept nowhere (yet). */
  of(id: ThreadId): Promise<ReadState | null>;
  /** Of stored threads, by their ids. */
  ofAll(ids: readonly ThreadId[]): Promise<Readonly<Record<string, ReadState>>>;
  /** Tells the subscribers before it resolves. `expected`: the revision that the caller saw. */
  mark(id: ThreadId, as: "read" | "unread", expected: string): Promise<ReadState>;
}
