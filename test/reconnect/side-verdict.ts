/** What stands beside the turns: the questions that wait, goals, and what is read. */
import { isDeepStrictEqual } from "node:util";
import type { Json } from "../helpers/kill-peer.ts";
import type { SceneClient } from "./scene-client.ts";

/** `rows`: the inbox of one who was never cut off. Everybody is given the same, and shows it of the threads that it watches. */
export function wrongInboxes(
  clients: readonly SceneClient[],
  inboxes: ReadonlyMap<string, readonly Json[]>,
  rows: readonly Json[],
): readonly string[] {
  return clients.flatMap(({ name, view }) => {
    const wrong: string[] = [];
    const inbox = inboxes.get(name) ?? [];
    if (!isDeepStrictEqual(inbox, rows))
      wrong.push(`${name} has the inbox ${JSON.stringify(inbox)}, not ${JSON.stringify(rows)}`);
    for (const threadId of view.watched) {
      const waiting = rows.filter((row) => row["threadId"] === threadId).map(questionIn);
      const shown = [...(view.copies.get(threadId)?.questions ?? [])].map(
        ([requestId, { method, params }]) => ({ requestId, method, params }),
      );
      const sorted = shown.toSorted((one, two) => Number(one.requestId) - Number(two.requestId));
      if (!isDeepStrictEqual(sorted, waiting))
        wrong.push(
          `${name} shows of ${threadId} ${JSON.stringify(sorted)}, not ${JSON.stringify(waiting)}`,
        );
    }
    return wrong;
  });
}

const questionIn = ({ requestId, method, params }: Json): Json => ({ requestId, method, params });

/** Who was told of a goal, or of what is read, since the thread was shown to it, was told last what holds now. */
export function wrongSides(
  clients: readonly SceneClient[],
  sides: ReadonlyMap<string, Json>,
): readonly string[] {
  return clients.flatMap(({ name, view }) =>
    [...view.watched].flatMap((threadId) => {
      const real = sides.get(threadId);
      const copy = view.copies.get(threadId);
      if (real === undefined || copy === undefined) return [];
      return (["goal", "readState"] as const).flatMap((side) => {
        const shown = copy[side];
        if (shown === undefined || isDeepStrictEqual(shown, real[side])) return [];
        return `${name} has as ${side} of ${threadId} ${JSON.stringify(shown)}, not ${JSON.stringify(real[side])}`;
      });
    }),
  );
}
