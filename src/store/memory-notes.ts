/** Notes beside threads that live as long as this process. */
import type { ThreadId } from "../protocol/ids.ts";
import type { FoundNote, NoteDraft, NoteKind, NoteLabel, ThreadNotes } from "./port.ts";
import { unreadableNote } from "./port.ts";

interface Kept {
  readonly json: string;
  readonly labels: readonly NoteLabel[];
}

export interface MemoryNotesParts {
  /** Throws `StoreError` `notFound` where nothing is written of the thread. */
  mustHave(id: ThreadId): void;
  isArchived(id: ThreadId): boolean;
}

export class MemoryNotes implements ThreadNotes {
  readonly #parts: MemoryNotesParts;
  /** By kind, then by thread. */
  readonly #kinds = new Map<string, Map<ThreadId | null, Kept>>();

  constructor(parts: MemoryNotesParts) {
    this.#parts = parts;
  }

  async read<T>(id: ThreadId | null, kind: NoteKind<T>): Promise<T | undefined> {
    return valueOf(kind, this.#kinds.get(kind.name)?.get(id));
  }

  async readAll<T>(ids: readonly ThreadId[], kind: NoteKind<T>): Promise<ReadonlyMap<ThreadId, T>> {
    const notes = this.#kinds.get(kind.name);
    const found = new Map<ThreadId, T>();
    for (const id of ids) {
      const value = valueOf(kind, notes?.get(id));
      if (value !== undefined) found.set(id, value);
    }
    return found;
  }

  async change<T>(
    id: ThreadId | null,
    kind: NoteKind<T>,
    next: (before: T | undefined) => NoteDraft<T> | undefined,
  ): Promise<void> {
    if (id !== null) this.#parts.mustHave(id);
    const notes = this.#kinds.get(kind.name) ?? new Map<ThreadId | null, Kept>();
    const draft = next(valueOf(kind, notes.get(id)));
    this.#kinds.set(kind.name, notes);
    if (draft === undefined) notes.delete(id);
    else notes.set(id, { json: JSON.stringify(draft.value), labels: draft.labels ?? [] });
  }

  async find<T>(kind: NoteKind<T>, label?: string): Promise<readonly FoundNote<T>[]> {
    const rows = [...(this.#kinds.get(kind.name) ?? [])].flatMap(([threadId, kept]) => {
      const value = valueOf(kind, kept);
      const position = label === undefined ? 0 : positionIn(kept, label);
      if (threadId === null || value === undefined || position === undefined) return [];
      return { threadId, archived: this.#parts.isArchived(threadId), value, position };
    });
    return rows
      .toSorted((a, b) => a.position - b.position || (a.threadId < b.threadId ? -1 : 1))
      .map(({ threadId, archived, value }) => ({ threadId, archived, value }));
  }

  /** Where the thread stands under `label`; undefined: it has no note of the kind there. */
  positionOf(id: ThreadId, kind: string, label: string): number | undefined {
    const kept = this.#kinds.get(kind)?.get(id);
    return kept && positionIn(kept, label);
  }

  has(id: ThreadId, kind: string): boolean {
    return this.#kinds.get(kind)?.has(id) ?? false;
  }

  removeAll(id: ThreadId): void {
    for (const notes of this.#kinds.values()) notes.delete(id);
  }
}

function positionIn({ labels }: Kept, label: string): number | undefined {
  const found = labels.find((each) => each.label === label);
  return found && (found.position ?? 0);
}

function valueOf<T>(kind: NoteKind<T>, kept: Kept | undefined): T | undefined {
  try {
    return kept && kind.parse(JSON.parse(kept.json));
  } catch (error) {
    throw unreadableNote(kind.name, error);
  }
}
