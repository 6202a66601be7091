import type { TimelineEntry, Turn } from "../protocol/turn.ts";

/** What happened in these turns, in its order. `position` counts the entries. */
export function timelineOf(turns: readonly Turn[]): readonly TimelineEntry[] {
  const entries: TimelineEntry[] = [];
  const add = (entry: WithoutPosition): void =>
    void entries.push({ ...entry, position: entries.length });
  for (const { id: turnId, items, status, error, startedAt, completedAt, durationMs } of turns) {
    add({ type: "turnStarted", turnId, startedAt });
    for (const item of items) add({ type: "item", turnId, item });
    if (completedAt === null) continue;
    add({ type: "turnCompleted", turnId, status, error, startedAt, completedAt, durationMs });
  }
  return entries;
}

/** What tells one entry from all others of the thread. */
export const timelineKey = (entry: TimelineEntry): string =>
  entry.type === "item" ? `item ${entry.turnId} ${entry.item.id}` : `${entry.type} ${entry.turnId}`;

type WithoutPosition = TimelineEntry extends infer E
  ? E extends TimelineEntry
    ? Omit<E, "position">
    : never
  : never;
