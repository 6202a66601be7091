import type { CloseReason } from "../../src/protocol/close-codes.ts";
import type { Principal } from "../../src/protocol/principal.ts";
import type { FrameSocket, SessionEnd, Sessions } from "../../src/session/port.ts";
import { textFrame } from "../../src/util/text-frame.ts";

/** One opened session: answers each text with `echo: TEXT`, and keeps what it was told. */
export class EchoSession implements SessionEnd {
  readonly principal: Principal;
  readonly socket: FrameSocket;
  readonly texts: string[] = [];
  garbage = 0;
  drains = 0;
  isClosed = false;
  #changed = (): void => {};

  constructor(principal: Principal, socket: FrameSocket) {
    this.principal = principal;
    this.socket = socket;
  }

  received(text: string): void {
    this.texts.push(text);
    this.socket.write([textFrame(`echo: ${text.slice(0, 32)}`)]);
    this.#changed();
  }

  receivedGarbage(): void {
    this.garbage += 1;
    this.#changed();
  }

  drained(): void {
    this.drains += 1;
    this.#changed();
  }

  closed(_code: number): void {
    this.isClosed = true;
    this.#changed();
  }

  /** Resolves when `holds` does; looked at after everything that the session is told. */
  async until(holds: (session: this) => boolean): Promise<void> {
    while (!holds(this)) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

export class FakeSessions implements Sessions {
  readonly opened: EchoSession[] = [];
  #onOpened = (): void => {};

  open(principal: Principal, socket: FrameSocket): SessionEnd {
    const session = new EchoSession(principal, socket);
    this.opened.push(session);
    this.#onOpened();
    return session;
  }

  end(principalId: string, reason: CloseReason, message: string): void {
    for (const { principal, socket } of this.#live()) {
      if (principal.id === principalId) socket.close(reason, message);
    }
  }

  closeAll(): Promise<void> {
    for (const { socket } of this.#live()) socket.close("goingAway", "the host is going down");
    return Promise.resolve();
  }

  get count(): number {
    return this.#live().length;
  }

  /** The session that was opened as number `index`, once it is. */
  async at(index: number): Promise<EchoSession> {
    for (;;) {
      const session = this.opened[index];
      if (session) return session;
      await new Promise<void>((resolve) => {
        this.#onOpened = resolve;
      });
    }
  }

  #live(): EchoSession[] {
    return this.opened.filter((session) => !session.isClosed);
  }
}
