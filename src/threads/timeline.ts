import type { TimelineEntry, Turn } from "../protocol/turn.ts";

/** What happened in these turns, in its order. `position` counts the entries. */
export function timelineOf(turns: readonly Turn[]): readonly TimelineEntry[] {
  const entries: TimelineEntry[] = [];
  const add = (entry: WithoutPosition): void =>
    void entries.push({ ...entry, position: entries.length });
  for (const { id, items, status, error, startedAt, completedAt, durationMs } of turns) {
    const boundary = { turn_id: id, started_at: startedAt };
    add({ type: "turnStarted", ...boundary });
    for (const item of items) add({ type: "item", turnId: id, item });
    if (completedAt === null) continue;
    const end = { completed_at: completedAt, duration_ms: durationMs };
    add({ type: "turnCompleted", ...boundary, status, error, ...end });
  }
  return entries;
}

/** What tells one entry from all others of the thread. */
export const timelineKey = (entry: TimelineEntry): string =>
  entry.type === "item"
    ? `item ${entry.turnId} ${entry.item.id}`
    : `${entry.type} ${entry.turn_id}`;

type WithoutPosition = TimelineEntry extends infer E
  ? E extends TimelineEntry
    ? Omit<E, "position">
    : never
  : never;
