import type { RequestId, ThreadId } from "../protocol/ids.ts";
import type { Role } from "../protocol/principal.ts";
import type { Delta, Outlet } from "./port.ts";

/** What a frame is besides news for everybody who watches. */
export type Mark =
  | { readonly kind: "state"; readonly role: Role }
  | { readonly kind: "ask"; readonly requestId: RequestId; readonly role: Role }
  | { readonly kind: "resolved"; readonly requestId: RequestId }
  /** A question whose end is not told: nobody gets it who was not asked at the time. */
  | { readonly kind: "withheld" };

/** A frame on its way to those who watch. */
export interface Entry {
  /** Empty where there is nothing to say but something to note. */
  readonly frame: Buffer;
  /** What it is about, where that is one thread. */
  readonly threadId: ThreadId | undefined;
  readonly method: string;
  readonly mark: Mark | undefined;
  readonly delta?: Delta;
}

export function deliverEntry(outlet: Outlet, entry: Entry): void {
  const { frame, threadId, method, mark, delta } = entry;
  if (threadId !== undefined && outlet.sees?.(threadId) === false) return;
  if (mark !== undefined && !admits(outlet, mark)) return;
  if (frame.length === 0 || (mark?.kind !== "ask" && !outlet.wants(method))) return;
  if (!outlet.lagging) outlet.push(frame);
  else if (delta) outlet.missed(delta);
  else outlet.hold(frame, threadId);
}

/** Whether the outlet may have what is marked so; it notes what it is asked. */
export function admits(outlet: Outlet, mark: Mark): boolean {
  if (mark.kind === "withheld") return false;
  if (mark.kind !== "resolved" && !outlet.mayAnswer(mark.role)) return false;
  if (mark.kind === "ask") outlet.asked(mark.requestId);
  if (mark.kind === "resolved") outlet.resolved(mark.requestId);
  return true;
}
