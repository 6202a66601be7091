/** Tells a connection beforehand that its access, or its role, ends by itself. */
import type { z } from "zod";
import type { accessEnding } from "../protocol/connection-notifications.ts";
import type { Principal } from "../protocol/principal.ts";

type Ending = z.input<typeof accessEnding.params>;

/** How long before the end. Where less is left, once and at once. */
const warnedMs: readonly number[] = [300_000, 60_000];
/** The longest delay that setTimeout takes. */
const maxTimerMs = 2 ** 31 - 1;

/** Calls `tell` in time, never before this returns. The function that it gives ends the waiting. */
export function noticeEnd(ends: Principal["ends"], tell: (ending: Ending) => void): () => void {
  if (ends === undefined) return () => {};
  const { what, atMs } = ends;
  const leftMs = (): number => Math.max(0, atMs - Date.now());
  const due = warnedMs.filter((before) => before < leftMs());
  if (due.length < warnedMs.length) due.unshift(leftMs());
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const [before] = due;
    if (before === undefined) return;
    const delayMs = Math.max(0, leftMs() - before);
    timer = setTimeout(delayMs > maxTimerMs ? wait : warn, Math.min(delayMs, maxTimerMs)).unref();
  };
  const warn = (): void => {
    due.shift();
    tell({ what, endsAtMs: atMs, endsInMs: leftMs() });
    wait();
  };
  wait();
  return () => clearTimeout(timer);
}
