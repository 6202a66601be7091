/** How many calls and bytes of answers a ledger holds, of each principal and of all. */
import type { callLedgerLimits } from "./port.ts";

export type CallLedgerLimits = typeof callLedgerLimits;

interface Held {
  calls: number;
  bytes: number;
}

export class CallTally {
  readonly #limits: CallLedgerLimits;
  readonly #held = new Map<string, Held>();
  readonly #all: Held = { calls: 0, bytes: 0 };

  constructor(limits: CallLedgerLimits) {
    this.#limits = limits;
  }

  /** Whether one more call of this principal fits. */
  hasRoom(principalId: string): boolean {
    const { calls, callsOfPrincipal } = this.#limits;
    const own = this.#held.get(principalId)?.calls ?? 0;
    return own < callsOfPrincipal && this.#all.calls < calls;
  }

  /** Whether an answer of so many bytes may be kept beside the others. */
  fits(principalId: string, bytes: number): boolean {
    const { answerBytes, answerBytesOfPrincipal, answerBytesOfAll } = this.#limits;
    const own = this.#held.get(principalId)?.bytes ?? 0;
    return (
      bytes <= answerBytes &&
      own + bytes <= answerBytesOfPrincipal &&
      this.#all.bytes + bytes <= answerBytesOfAll
    );
  }

  /** Counts what came, or with negative numbers what went. */
  count(principalId: string, { calls, bytes }: Readonly<Held>): void {
    const own = this.#held.get(principalId) ?? { calls: 0, bytes: 0 };
    own.calls += calls;
    own.bytes += bytes;
    this.#all.calls += calls;
    this.#all.bytes += bytes;
    if (own.calls > 0) this.#held.set(principalId, own);
    else this.#held.delete(principalId);
  }

  drop(principalId: string): void {
    const { calls, bytes } = this.#held.get(principalId) ?? { calls: 0, bytes: 0 };
    this.count(principalId, { calls: -calls, bytes: -bytes });
  }
}
