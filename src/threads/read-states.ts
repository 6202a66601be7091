import type { Publisher } from "../events/port.ts";
import { RpcError, invalidRequest } from "../protocol/errors.ts";
import type { ThreadId } from "../protocol/ids.ts";
import { threadReadStateChanged } from "../protocol/thread-notifications.ts";
import { ReadState } from "../protocol/read-state.ts";
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
    if (thread && (thread.ephemeral || !thread.stored)) return null;
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
    if (thread && (thread.ephemeral || !thread.stored)) throw unavailable();
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
    if (thread.ephemeral || !hasNews(turn)) return () => {};
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

  #tell(threadId: ThreadId, readState: ReadState): void {
    this.#parts.publisher.publish(threadReadStateChanged, { threadId, readState });
  }
}

function hasNews({ status, items }: Turn): boolean {
  if (status === "failed") return true;
  const last = items.findLast((item) => item.type === "agentMessage");
  return status === "completed" && last?.type === "agentMessage" && last.text !== "";
}

const conflict = (readState: ReadState): RpcError =>
  new RpcError("invalidRequest", "read state changed", {
    data: { reason: "readStateConflict", readState },
  });
