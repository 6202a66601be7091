/** The one store of the page. Components read it through selectors; only `session.ts` writes it. */
import { create } from "zustand";
import type { Role } from "../../protocol/principal.ts";
import type { ConnectionState } from "../../client/connection-state.ts";
import type { Model } from "../../client/host-api.ts";
import type { AuditHead } from "../state/audit-head.ts";
import type { HostView } from "../state/host-view.ts";
import type { InboxEntry } from "../state/inbox.ts";
import type { CutOff } from "../state/last-seen.ts";
import { emptyHostView } from "../state/host-view.ts";

export interface DashboardState {
  readonly connection: ConnectionState;
  /** Set while the page cannot hear the host. */
  readonly cutOff: CutOff | undefined;
  readonly role: Role | null;
  readonly host: HostView;
  readonly list: {
    readonly load: "loading" | "ready" | "failed";
    readonly error: string | null;
    readonly nextCursor: string | null;
  };
  /** What waits for people in any thread, oldest first; empty for those who may not answer. */
  readonly inbox: readonly InboxEntry[];
  readonly models: readonly Model[];
  /** A folder to begin browsing at: the one above the host's configuration. */
  readonly homeFolder: string;
  /** Whether the dialog about devices is open. */
  readonly devicesOpen: boolean;
  readonly audit: {
    /** The newest head that this browser trusts. */
    readonly kept: AuditHead | null;
    readonly fault: string | null;
  };
}

export const useDashboard = create<DashboardState>(() => ({
  connection: { kind: "stopped" },
  cutOff: undefined,
  role: null,
  host: emptyHostView,
  list: { load: "loading", error: null, nextCursor: null },
  inbox: [],
  models: [],
  homeFolder: "/",
  devicesOpen: false,
  audit: { kept: null, fault: null },
}));
