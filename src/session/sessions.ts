import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Subscriptions } from "../events/port.ts";
import type { CloseReason } from "../protocol/close-codes.ts";
import type { Principal } from "../protocol/principal.ts";
import type { Threads } from "../threads/port.ts";
import type { ByteBudget } from "./outbox.ts";
import { Outbox } from "./outbox.ts";
import type { FrameSocket, SessionEnd, Sessions } from "./port.ts";
import { Session } from "./session.ts";

/** setTimeout takes at most this many milliseconds (24.8 days). */
const maxTimerMs = 2 ** 31 - 1;

export interface SessionsPorts {
  readonly dispatcher: Dispatcher;
  readonly hub: Subscriptions;
  readonly threads: Threads;
  readonly budget: ByteBudget;
}

/** All connections of this host. */
export class SessionRegistry implements Sessions {
  readonly #ports: SessionsPorts;
  readonly #open = new Set<Session>();
  readonly #onClosed = (session: Session): void => {
    this.#open.delete(session);
  };
  #closing = false;

  constructor(ports: SessionsPorts) {
    this.#ports = ports;
  }

  get count(): number {
    return this.#open.size;
  }

  open(principal: Principal, socket: FrameSocket): SessionEnd {
    const { dispatcher, hub, threads, budget } = this.#ports;
    const outbox = new Outbox(socket, hub, budget, principal.role);
    const session = new Session(
      { dispatcher, hub, threads, onClosed: this.#onClosed },
      principal,
      socket,
      outbox,
    );
    this.#open.add(session);
    if (this.#closing) session.end("goingAway", "the host is going down");
    else if (principal.endsAtMs !== undefined) this.#endAt(session, principal.endsAtMs);
    return session;
  }

  end(principalId: string, reason: CloseReason, message: string): void {
    for (const session of this.#open) {
      if (session.principal.id === principalId) session.end(reason, message);
    }
  }

  closeAll(): Promise<void> {
    this.#closing = true;
    for (const session of this.#open) session.end("goingAway", "the host is going down");
    return Promise.resolve();
  }

  #endAt(session: Session, endsAtMs: number): void {
    const leftMs = endsAtMs - Date.now();
    const timer = setTimeout(
      () => {
        if (!this.#open.has(session)) return;
        if (Date.now() < endsAtMs) this.#endAt(session, endsAtMs);
        else session.end("expired", "this access has expired; renew it on the host");
      },
      Math.min(Math.max(leftMs, 0), maxTimerMs),
    );
    timer.unref();
  }
}
