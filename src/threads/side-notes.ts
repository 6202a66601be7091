import type { RpcError } from "../protocol/errors.ts";
import { invalidRequest } from "../protocol/errors.ts";
import type { ThreadId } from "../protocol/ids.ts";
import { StoreError } from "../store/port.ts";
import type { FoundNote, NoteDraft, NoteKind, ThreadStore } from "../store/port.ts";
import type { LoadedThreads } from "./loaded-threads.ts";
import { noRollout } from "./loaded-threads.ts";
import { clientError } from "./store-errors.ts";

/** How a client is told that a thread can have no note of a kind. */
export interface NoteRefusals {
  /** What an ephemeral thread does not support. */
  readonly ephemeral: (id: ThreadId) => Error;
  readonly unknown: (id: ThreadId) => Error;
  /** A thread that is put away, where clients may not touch the note of one. */
  readonly archived?: (id: ThreadId) => Error;
  /** A thread in which nothing was said yet counts as unknown. */
  readonly asItIs?: true;
}

export const unsupported =
  (what: string) =>
  (id: ThreadId): RpcError =>
    invalidRequest(`ephemeral thread does not support ${what}: ${id}`);

/**
 * Notes beside threads, for clients. Only a thread that is kept can have one: a thread in memory in
 * which nothing was said yet is written down first, an ephemeral or unknown one is refused.
 */
export class SideNotes {
  readonly #loaded: LoadedThreads;
  readonly #store: ThreadStore;

  constructor(loaded: LoadedThreads, store: ThreadStore) {
    this.#loaded = loaded;
    this.#store = store;
  }

  /** Rejects where the thread can have no such note. */
  async check(id: ThreadId, refusals: NoteRefusals): Promise<void> {
    const thread = this.#loaded.get(id);
    if (thread?.ephemeral) throw refusals.ephemeral(id);
    if (thread) return;
    const record = await this.#store.find(id);
    if (!record) throw refusals.unknown(id);
    if (record.archived && refusals.archived) throw refusals.archived(id);
  }

  async read<T>(id: ThreadId | null, kind: NoteKind<T>): Promise<T | undefined> {
    try {
      return await this.#store.notes.read(id, kind);
    } catch (error) {
      throw clientError(error, "no such thread");
    }
  }

  readAll<T>(ids: readonly ThreadId[], kind: NoteKind<T>): Promise<ReadonlyMap<ThreadId, T>> {
    return this.#store.notes.readAll(ids, kind);
  }

  async change<T>(
    id: ThreadId,
    kind: NoteKind<T>,
    refusals: NoteRefusals,
    next: (before: T | undefined) => NoteDraft<T> | undefined,
  ): Promise<void> {
    const thread = this.#loaded.get(id);
    if (thread?.ephemeral) throw refusals.ephemeral(id);
    try {
      if (!refusals.asItIs) await thread?.materialise();
      await this.#store.notes.change(id, kind, next);
    } catch (error) {
      if (error instanceof StoreError && error.kind === "notFound") throw refusals.unknown(id);
      throw clientError(error, noRollout(id));
    }
  }

  /** Replaces a note of the store as a whole. */
  async changeShared<T>(kind: NoteKind<T>, next: (before: T | undefined) => T): Promise<void> {
    try {
      await this.#store.notes.change(null, kind, (before) => ({ value: next(before) }));
    } catch (error) {
      throw clientError(error, "no such thread");
    }
  }

  find<T>(kind: NoteKind<T>, label?: string): Promise<readonly FoundNote<T>[]> {
    return this.#store.notes.find(kind, label);
  }
}
