import { invalidRequest } from "../protocol/errors.ts";
import type { ThreadId } from "../protocol/ids.ts";
import { MemoryMode } from "../protocol/memory.ts";
import type { NoteKind } from "../store/port.ts";
import { noRollout } from "./loaded-threads.ts";
import { unsupported } from "./side-notes.ts";
import type { NoteRefusals, SideNotes } from "./side-notes.ts";

const memoryModeNote: NoteKind<MemoryMode> = {
  name: "memoryMode",
  parse: (value) => MemoryMode.parse(value),
};

const refusals: NoteRefusals = {
  ephemeral: unsupported("metadata updates"),
  unknown: (id) => invalidRequest(noRollout(id)),
  archived: (id) => invalidRequest(noRollout(id)),
};

/** Whether memories may be made of a thread; kept for whoever makes them. */
export async function setMemoryMode(
  notes: SideNotes,
  id: ThreadId,
  mode: MemoryMode,
): Promise<void> {
  await notes.check(id, refusals);
  await notes.change(id, memoryModeNote, refusals, () => ({ value: mode }));
}
