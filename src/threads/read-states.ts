import type { Publisher } from "../events/port.ts";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import type { ThreadId } from "../protocol/ids.ts";
import { threadReadStateChanged } from "../protocol/thread-notifications.ts";
import { ReadState, hasReader } from "../protocol/read-state.ts";
import type { Turn } from "../protocol/turn.ts";
import type { NoteKind } from "../store/port.ts";
import { uuidV7 } from "../util/uuid-v7.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import type { LoadedThreads } from "./loaded-threads.ts";
import type { NoteRefusals, SideNotes } from "./side-notes.ts";

const readStateNote: NoteKind<ReadState> = {
  name: "readState",
  parse: (value) => ReadState.parse(value),
};

const unavailable = (): RpcError => invalidRequest("thread read state unavailable");
const refusals: NoteRefusals = {
  ephemeral: unavailable,
  unknown: (id) => invalidRequest(`thread not loaded: ${id}`),
};

/** Of a thread in which nothing was marked and no turn ended yet. */
const initial = (id: ThreadId): ReadState => ({ firstUnread: null, revision: `initial:${id}` });

export interface ReadStateParts {
  readonly loaded: LoadedThreads;
  readonly notes: SideNotes;
  readonly publisher: Publisher;
  readonly log: { error(fields: object, message: string): void };
}

/** Which threads have something that nobody read: one answer for all clients. */
export class ReadStates {
  readonly #parts: ReadStateParts;

  constructor(parts: ReadStateParts) {
    this.#parts = parts;
  }

  /** Null: a thread that has none, since it is kept nowhere (yet). */
  async of(id: ThreadId): Promise<ReadState | null> {
    const thread = this.#parts.loaded.get(id);
    if (thread && !isRead(thread)) return null;
    return (await this.#parts.notes.read(id, readStateNote)) ?? initial(id);
  }

  /** Of stored threads, by their ids. */
  async ofAll(ids: readonly ThreadId[]): Promise<Readonly<Record<string, ReadState>>> {
    const kept = await this.#parts.notes.readAll(ids, readStateNote);
    return Object.fromEntries(ids.map((id) => [id, kept.get(id) ?? initial(id)]));
  }

  /** Resolves when subscribers were told. Rejects where `expected` is not the revision in force. */
  async mark(id: ThreadId, as: "read" | "unread", expected: string): Promise<ReadState> {
    const thread = this.#parts.loaded.get(id);
    if (thread && !isRead(thread)) throw unavailable();
    const next: ReadState = {
      firstUnread: as === "read" ? null : { type: "threadStart" },
      revision: uuidV7(),
    };
    await this.#parts.notes.change(id, readStateNote, refusals, (before = initial(id)) => {
      if (before.revision !== expected) throw conflict(before);
      return { value: next };
    });
    this.#tell(id, next);
    return next;
  }

  /** A turn in which the agent said something, or failed, is unread. Never rejects; the result tells the clients. */
  async turnEnded(thread: LoadedThread, turn: Turn): Promise<() => void> {
    if (!isRead(thread) || !hasNews(turn)) return () => {};
    const { id } = thread;
    let now: ReadState | undefined;
    try {
      await this.#parts.notes.change(id, readStateNote, refusals, (before = initial(id)) => {
        now = {
          firstUnread: before.firstUnread ?? { type: "turn", turnId: turn.id },
          revision: uuidV7(),
        };
        return { value: now };
      });
    } catch (error) {
      this.#parts.log.error({ err: error, threadId: id }, "a turn is not marked as unread");
    }
    return () => {
      if (now) this.#tell(id, now);
    };
  }

  /** Where the first unread turn was taken back all is read. Never rejects; subscribers are told. */
  async turnsGone(thread: LoadedThread): Promise<void> {
    const { id } = thread;
    const isGone = ({ firstUnread }: ReadState): boolean =>
      firstUnread?.type === "turn" &&
      !thread.snapshot().some((turn) => turn.id === firstUnread.turnId);
    try {
      const before = await this.of(id);
      if (!before || !isGone(before)) return;
      let now: ReadState | undefined;
      await this.#parts.notes.change(id, readStateNote, refusals, (kept = initial(id)) => {
        now = isGone(kept) ? { firstUnread: null, revision: uuidV7() } : undefined;
        return { value: now ?? kept };
      });
      if (now) this.#tell(id, now);
    } catch (error) {
      this.#parts.log.error({ err: error, threadId: id }, "a turn that is gone stays unread");
    }
  }

  #tell(threadId: ThreadId, readState: ReadState): void {
    this.#parts.publisher.publish(threadReadStateChanged, { threadId, readState });
  }
}

/** Whether people are told what of it they have not read: it is kept, and a person's. */
const isRead = ({ ephemeral, stored, meta }: LoadedThread): boolean =>
  !ephemeral && stored && hasReader(meta);

function hasNews({ status, items }: Turn): boolean {
  if (status === "failed") return true;
  const last = items.findLast((item) => item.type === "agentMessage");
  return status === "completed" && last?.type === "agentMessage" && last.text !== "";
}

const conflict = (readState: ReadState): RpcError =>
  new RpcError("invalidRequest", "read state changed", {
    data: { reason: "readStateConflict", readState },
  });
