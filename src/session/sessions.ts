import type { Audit } from "../audit/port.ts";
import { by } from "../audit/port.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Subscriptions } from "../events/port.ts";
import type { CloseReason } from "../protocol/close-codes.ts";
import type { ThreadId } from "../protocol/ids.ts";
import type { Principal } from "../protocol/principal.ts";
import type { WatchedThreads } from "../threads/connections-port.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { ByteBudget } from "./outbox.ts";
import { Outbox } from "./outbox.ts";
import type { FrameSocket, SessionEnd, Sessions } from "./port.ts";
import type { SessionPorts } from "./session.ts";
import { Session } from "./session.ts";

export interface SessionsPorts {
  readonly dispatcher: Dispatcher;
  readonly hub: Subscriptions;
  readonly threads: WatchedThreads;
  readonly budget: ByteBudget;
  readonly audit: Audit;
  /** How often those are told that the host lives who asked for it. */
  readonly heartbeatMs: number;
}

/** All connections of this host. */
export class SessionRegistry implements Sessions {
  readonly #hub: Subscriptions;
  readonly #budget: ByteBudget;
  readonly #audit: Audit;
  /** What every session is given; one object for all. */
  readonly #ports: SessionPorts;
  readonly #open = new Set<Session>();
  #closing = false;

  constructor(ports: SessionsPorts) {
    const { dispatcher, hub, threads, budget, audit, heartbeatMs } = ports;
    this.#audit = audit;
    this.#hub = hub;
    this.#budget = budget;
    const onClosed = (session: Session, code: number): void => {
      this.#open.delete(session);
      this.#note("session.close", session.principal, { code });
    };
    const heartbeats = new Heartbeats(heartbeatMs);
    this.#ports = { dispatcher, hub, threads, heartbeats, onClosed };
  }

  get count(): number {
    return this.#open.size;
  }

  open(principal: Principal, socket: FrameSocket): SessionEnd {
    const { scope, role } = principal;
    const { dispatcher } = this.#ports;
    const sees = scope && ((threadId: ThreadId): boolean => dispatcher.sees(scope, threadId));
    const outbox = new Outbox(socket, this.#hub, this.#budget, role, sees);
    const session = new Session(this.#ports, principal, socket, outbox);
    this.#open.add(session);
    this.#note("session.open", principal);
    if (this.#closing) session.end("goingAway", "the host is going down");
    return session;
  }

  end(endedId: string, reason: CloseReason, message: string): void {
    for (const session of this.#open) {
      const { id, grant } = session.principal;
      if (id === endedId || grant === endedId) session.end(reason, message);
    }
  }

  #note(
    act: "session.open" | "session.close",
    principal: Principal,
    more: { readonly code?: number } = {},
  ): void {
    const about = { role: principal.role, ...more };
    this.#audit.add({ act, outcome: "done", ...by(principal), about });
  }

  closeAll(): Promise<void> {
    this.#closing = true;
    for (const session of this.#open) session.end("goingAway", "the host is going down");
    return Promise.resolve();
  }
}
