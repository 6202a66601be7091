/** The pairings that are under way, and those that ended lately, so that who comes late learns why. */
import {
  next,
  offered,
  type PairingAct,
  type PairingOffer,
  type PairingState,
} from "./pairing-state.ts";
import { refusal } from "./refusals.ts";

/** Under way at a time; only admins add to them. */
export const maxOpenPairings = 16;
/** How many that have ended are remembered, and for how long. */
const maxEnded = 64;
const rememberedMs = 600_000;
/** Calls that wait for one pairing to change; its device needs one. */
const maxWaiting = 4;

interface Entry {
  state: PairingState;
  readonly waiting: Set<() => void>;
}

type Listener = (state: PairingState) => void;

export class PairingBook {
  readonly #nowMs: () => number;
  /** By the offer's id, oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<Listener>();
  /** One timer for the deadline that comes next; it does not keep the process alive. */
  #timer: NodeJS.Timeout | undefined;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Throws `AuthError` when too many are under way. */
  add(offer: PairingOffer): PairingState {
    const open = this.states().filter((state) => !hasEnded(state));
    if (open.length >= maxOpenPairings) throw refusal("pairing_full");
    const state = offered(offer, this.#nowMs());
    this.#entries.set(offer.id, { state, waiting: new Set() });
    this.#settle(state);
    return state;
  }

  /** As they are now, oldest first. */
  states(): PairingState[] {
    this.#lapse();
    return [...this.#entries.values()].map(({ state }) => state);
  }

  find(id: string): PairingState | undefined {
    this.#lapse();
    return this.#entries.get(id)?.state;
  }

  findByChallenge(challengeId: string): PairingState | undefined {
    return this.states().find(
      (state) => "request" in state && state.request?.challengeId === challengeId,
    );
  }

  /** The state that the act led to; undefined where it has no place. */
  apply(id: string, act: PairingAct): PairingState | undefined {
    this.#lapse();
    return this.#apply(id, act);
  }

  /** Resolves when the pairing has changed, or after `timeoutMs`, or when too many wait for it. */
  changed(id: string, timeoutMs: number): Promise<void> {
    const waiting = this.#entries.get(id)?.waiting;
    if (waiting === undefined || waiting.size >= maxWaiting) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs).unref();
      waiting.add(done);
    });
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Ends the timers; whoever waits goes on. */
  close(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
    for (const { waiting } of this.#entries.values()) for (const done of waiting) done();
  }

  #apply(id: string, act: PairingAct): PairingState | undefined {
    const entry = this.#entries.get(id);
    const state = entry && next(entry.state, { ...act, atMs: this.#nowMs() });
    if (entry === undefined || state === undefined) return undefined;
    entry.state = state;
    this.#settle(state);
    for (const done of entry.waiting) done();
    return state;
  }

  /** Moves every pairing whose deadline has passed, and forgets what ended long ago. */
  #lapse(): void {
    const nowMs = this.#nowMs();
    for (const [id, { state }] of this.#entries) {
      if (!hasEnded(state) && state.untilMs <= nowMs) this.#apply(id, { kind: "deadlinePassed" });
    }
    const ended = [...this.#entries].filter(([, { state }]) => hasEnded(state));
    for (const [at, [id, { state }]] of ended.entries()) {
      const old = state.untilMs + rememberedMs <= nowMs || at < ended.length - maxEnded;
      if (old) this.#entries.delete(id);
    }
  }

  #settle(state: PairingState): void {
    clearTimeout(this.#timer);
    const open = [...this.#entries.values()].filter((entry) => !hasEnded(entry.state));
    if (open.length > 0) {
      const nextMs = Math.min(...open.map((entry) => entry.state.untilMs));
      const delayMs = Math.max(1, nextMs - this.#nowMs());
      this.#timer = setTimeout(() => this.#lapse(), delayMs).unref();
    }
    for (const listener of this.#listeners) listener(state);
  }
}

export const hasEnded = ({ phase }: PairingState): boolean =>
  phase === "enrolled" || phase === "expired" || phase === "refused";
