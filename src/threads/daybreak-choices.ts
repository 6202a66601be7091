import { invalidRequest } from "../protocol/errors.ts";
import type { ThreadId } from "../protocol/ids.ts";
import type { Thread } from "../protocol/thread.ts";
import type { NoteKind } from "../store/port.ts";
import { unsupported } from "./side-notes.ts";
import type { NoteRefusals, SideNotes } from "./side-notes.ts";

const daybreakNote: NoteKind<boolean> = {
  name: "daybreakEnabled",
  parse: (value) => {
    if (typeof value !== "boolean") throw new TypeError("a choice is true or false");
    return value;
  },
};

const refusals: NoteRefusals = {
  ephemeral: unsupported("metadata updates"),
  unknown: (id) => invalidRequest(`thread not found: ${id}`),
};

/** A choice that clients keep with a thread for themselves; turns do not ask for it. */
export class DaybreakChoices {
  readonly #notes: SideNotes;

  constructor(notes: SideNotes) {
    this.#notes = notes;
  }

  /** A thread in which nothing was said is written down. */
  async set(id: ThreadId, enabled: boolean): Promise<void> {
    await this.#notes.change(id, daybreakNote, refusals, () => ({ value: enabled }));
  }

  async copy(from: ThreadId, to: ThreadId): Promise<void> {
    const enabled = await this.#notes.read(from, daybreakNote);
    if (enabled !== undefined) await this.set(to, enabled);
  }

  /** The threads with what was chosen for them. */
  async shown<T extends Thread>(threads: readonly T[]): Promise<T[]> {
    const chosen = await this.#notes.readAll(
      threads.map(({ id }) => id),
      daybreakNote,
    );
    if (chosen.size === 0) return [...threads];
    return threads.map((thread) => ({
      ...thread,
      daybreakEnabled: chosen.get(thread.id) ?? null,
    }));
  }
}
