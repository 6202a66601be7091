import type { Database } from "../../db/database.ts";
import type { ThreadId } from "../../protocol/ids.ts";
import type { FoundNote, NoteDraft, NoteKind, ThreadNotes } from "../port.ts";
import { NoteTable } from "./note-table.ts";

/** Notes beside threads that are files: a file may have been moved, archived or removed by another program. */
export class LocalNotes implements ThreadNotes {
  readonly #table: NoteTable;
  readonly #reconcile: (id: ThreadId) => Promise<unknown>;

  /** `reconcile` brings the thread's entry up to date with its file. Rejects with `StoreError`. */
  constructor(database: Database, reconcile: (id: ThreadId) => Promise<unknown>) {
    this.#table = new NoteTable(database);
    this.#reconcile = reconcile;
  }

  async read<T>(id: ThreadId | null, kind: NoteKind<T>): Promise<T | undefined> {
    return this.#table.read(id, kind);
  }

  async readAll<T>(ids: readonly ThreadId[], kind: NoteKind<T>): Promise<ReadonlyMap<ThreadId, T>> {
    return this.#table.readAll(ids, kind);
  }

  async change<T>(
    id: ThreadId | null,
    kind: NoteKind<T>,
    next: (before: T | undefined) => NoteDraft<T> | undefined,
  ): Promise<void> {
    if (id !== null) await this.#reconcile(id);
    this.#table.change(id, kind, next);
  }

  async find<T>(kind: NoteKind<T>, label?: string): Promise<readonly FoundNote<T>[]> {
    return this.#table.find(kind, label);
  }

  removeAll(id: ThreadId): void {
    this.#table.removeAll(id);
  }
}
