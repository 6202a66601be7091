/** The calls of a host that keeps no disk: its end is theirs. */
import { CallTally } from "./call-tally.ts";
import { callLedgerLimits } from "./port.ts";
import type { CallId, CallLedger, KeptCall } from "./port.ts";

interface Entry {
  readonly id: CallId;
  readonly begunAtMs: number;
  call: KeptCall;
  bytes: number;
}

export class MemoryCallLedger implements CallLedger {
  /** The oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #limits: typeof callLedgerLimits;
  readonly #tally: CallTally;
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = Date.now, limits = callLedgerLimits) {
    this.#nowMs = nowMs;
    this.#limits = limits;
    this.#tally = new CallTally(limits);
  }

  async begin(id: CallId, digest: string): Promise<"new" | "full" | KeptCall> {
    this.#sweep();
    const known = this.#entries.get(nameOf(id));
    if (known) return known.call;
    if (!this.#tally.hasRoom(id.principalId)) return "full";
    const call: KeptCall = { kind: "begun", digest };
    this.#entries.set(nameOf(id), { id, begunAtMs: this.#nowMs(), call, bytes: 0 });
    this.#tally.count(id.principalId, { calls: 1, bytes: 0 });
    return "new";
  }

  async finish(id: CallId, answer: string | null): Promise<void> {
    const entry = this.#entries.get(nameOf(id));
    if (entry?.call.kind !== "begun") return;
    const bytes = answer === null ? 0 : Buffer.byteLength(answer);
    const keeps = this.#tally.fits(id.principalId, bytes);
    entry.call = { kind: "ended", digest: entry.call.digest, answer: keeps ? answer : null };
    entry.bytes = keeps ? bytes : 0;
    this.#tally.count(id.principalId, { calls: 0, bytes: entry.bytes });
  }

  async forget(principalId: string): Promise<void> {
    for (const entry of this.#entries.values()) {
      if (entry.id.principalId === principalId) this.#drop(entry);
    }
  }

  #sweep(): void {
    const oldestMs = this.#nowMs() - this.#limits.keptForMs;
    for (const entry of this.#entries.values()) {
      if (entry.begunAtMs > oldestMs) return;
      this.#drop(entry);
    }
  }

  #drop({ id, bytes }: Entry): void {
    this.#entries.delete(nameOf(id));
    this.#tally.count(id.principalId, { calls: -1, bytes: -bytes });
  }
}

/** Keys hold no line feed. */
const nameOf = ({ principalId, key }: CallId): string => `${key}\n${principalId}`;
