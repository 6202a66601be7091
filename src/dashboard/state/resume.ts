/** What opening and resuming do to the view of a thread. */
import type { Thread } from "../../protocol/thread.ts";
import { withoutStaleApprovals } from "./approvals.ts";
import type { HostView } from "./host-view.ts";
import { emptyThreadView, withView } from "./host-view.ts";
import { settleSends } from "./pending-sends.ts";
import { turnView } from "./turn-items.ts";

export const openView = (state: HostView, threadId: string): HostView =>
  state.views.has(threadId)
    ? withView(state, threadId, (view) =>
        view.load === "failed" ? { ...view, load: "loading", loadError: null } : view,
      )
    : { ...state, views: new Map(state.views).set(threadId, emptyThreadView(threadId)) };

/** The answer's history replaces whatever was shown. */
export function applyHistory(
  state: HostView,
  { thread, model }: { readonly thread: Thread; readonly model: string | null },
): HostView {
  const opened = withoutStaleApprovals(openView(state, thread.id), thread.id);
  const turns = thread.turns.map(turnView);
  const shown = withView(opened, thread.id, (view) => {
    const plans = new Map(view.turns.map(({ id, plan }) => [id, plan]));
    return {
      ...view,
      load: "ready",
      loadError: null,
      model,
      turns: turns.map((turn) => ({ ...turn, plan: plans.get(turn.id) ?? null })),
      pending: settleSends(view.pending, turns),
    };
  });
  const threads = new Map(shown.threads).set(thread.id, { ...thread, turns: [] });
  return { ...shown, threads };
}

/** What is shown stands; what was missed comes behind it. */
export const applyCatchUp = (state: HostView, threadId: string): HostView =>
  withView(state, threadId, (view) => ({ ...view, load: "ready", loadError: null, gap: null }));

/** The history that comes next replaces what was shown. */
export const applyGap = (state: HostView, threadId: string, reason: string): HostView =>
  withView(state, threadId, (view) => ({ ...view, gap: reason }));

/** A thread that has no history yet cannot be resumed; an empty one is not a failure. */
export const applyResumeFailure = (state: HostView, threadId: string, message: string): HostView =>
  withView(state, threadId, (view) =>
    view.load === "ready" && view.turns.length === 0
      ? { ...view, pending: settleSends(view.pending, []) }
      : { ...view, load: "failed", loadError: message },
  );

/** A new connection has begun. */
export const applyConnected = (state: HostView): HostView => ({
  ...state,
  connection: state.connection + 1,
  ending: null,
});
