/** What the dashboard knows of the host's threads. Immutable; unchanged parts keep their identity. */
import type { HostRequest } from "../../client/host-api.ts";
import type { ThreadItem } from "../../protocol/item.ts";
import type { Thread } from "../../protocol/thread.ts";
import type { ThreadTokenUsage, TurnError, TurnStatus } from "../../protocol/turn.ts";
import type { Pairings } from "./pairings.ts";
import type { PendingSend } from "./pending-sends.ts";

export interface ItemView {
  readonly item: ThreadItem;
  /** Its final form is here; what still comes for it is late and is ignored. */
  readonly done: boolean;
}

export interface PlanView {
  readonly explanation: string | null;
  readonly plan: readonly {
    readonly step: string;
    readonly status: "pending" | "inProgress" | "completed";
  }[];
}

export interface TurnView {
  readonly id: string;
  readonly status: TurnStatus;
  readonly items: readonly ItemView[];
  readonly plan: PlanView | null;
  readonly error: TurnError | null;
  /** The host met this and tries again by itself. */
  readonly retrying: TurnError | null;
  readonly durationMs: number | null;
}

export interface ThreadView {
  readonly id: string;
  readonly load: "loading" | "ready" | "failed";
  /** Why it could not be opened; shown with `failed`. */
  readonly loadError: string | null;
  readonly model: string | null;
  readonly turns: readonly TurnView[];
  readonly usage: ThreadTokenUsage | null;
  readonly warnings: readonly string[];
  readonly pending: readonly PendingSend[];
  /** Why the history was loaded anew instead of what this page missed; null where it missed nothing. */
  readonly gap: string | null;
}

/** The questions that people answer. */
export type ApprovalRequest = Extract<
  HostRequest,
  { readonly method: `${string}/requestApproval` }
>;

/** A question of the host that waits for someone. */
export type Approval = ApprovalRequest & {
  /** Which connection brought it. One of an older connection cannot be answered; if it still waits it is asked again. */
  readonly connection: number;
  /** What was answered here, until the host says that it is resolved. */
  readonly answered: "accept" | "acceptForSession" | "decline" | null;
  /** Why the last answer of this page did not count. */
  readonly refusal: AnswerRefusal | null;
};

export interface AnswerRefusal {
  readonly message: string;
  readonly nextStep: string;
}

export interface HostView {
  readonly threads: ReadonlyMap<string, Thread>;
  readonly views: ReadonlyMap<string, ThreadView>;
  readonly approvals: readonly Approval[];
  readonly pairings: Pairings;
  /** Counts the connections of this page, so that what belongs to an earlier one can be told. */
  readonly connection: number;
  readonly warnings: readonly string[];
  /** This connection's access, or its role, ends by itself at this time (Unix, milliseconds). */
  readonly ending: { readonly what: "access" | "role"; readonly endsAtMs: number } | null;
}

export const emptyHostView: HostView = {
  threads: new Map(),
  views: new Map(),
  approvals: [],
  pairings: new Map(),
  connection: 0,
  warnings: [],
  ending: null,
};

export const emptyThreadView = (id: string): ThreadView => ({
  id,
  load: "loading",
  loadError: null,
  model: null,
  turns: [],
  usage: null,
  warnings: [],
  pending: [],
  gap: null,
});

export function withThread(
  state: HostView,
  id: string,
  change: (thread: Thread) => Thread,
): HostView {
  const thread = state.threads.get(id);
  if (thread === undefined) return state;
  return { ...state, threads: new Map(state.threads).set(id, change(thread)) };
}

/** Changes an open thread; one that is not open is left alone. */
export function withView(
  state: HostView,
  id: string,
  change: (view: ThreadView) => ThreadView,
): HostView {
  const view = state.views.get(id);
  if (view === undefined) return state;
  const changed = change(view);
  return changed === view ? state : { ...state, views: new Map(state.views).set(id, changed) };
}

/** The turn that runs, if one does. */
export const activeTurn = (view: ThreadView | undefined): TurnView | undefined => {
  const last = view?.turns.at(-1);
  return last?.status === "inProgress" ? last : undefined;
};
