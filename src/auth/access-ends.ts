/** Tells at once that a device or a headless client lost its access: by revocation or because its time is over. */
import type { DeviceRegistry } from "./device-registry.ts";
import type { EndReason } from "./port.ts";

type Listener = (principalId: string, reason: EndReason) => void;

/** The longest delay that setTimeout takes. */
const maxTimerMs = 2 ** 31 - 1;

export class AccessEnds {
  readonly #registry: DeviceRegistry;
  readonly #nowMs: () => number;
  readonly #listeners = new Set<Listener>();
  /** One timer for the expiry that comes next; it does not keep the process alive. */
  #timer: NodeJS.Timeout | undefined;
  #toldUntilMs: number;

  constructor(registry: DeviceRegistry, nowMs: () => number) {
    this.#registry = registry;
    this.#nowMs = nowMs;
    this.#toldUntilMs = nowMs();
    this.arm();
  }

  listen(listener: Listener): () => void {
    const own: Listener = (id, reason) => listener(id, reason);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  tell(principalId: string, reason: EndReason): void {
    for (const listener of this.#listeners) listener(principalId, reason);
  }

  /** Sets the timer anew; call it when an end was added or moved. */
  arm(): void {
    clearTimeout(this.#timer);
    const nextMs = this.#registry.nextExpiryMs(this.#toldUntilMs);
    if (nextMs === undefined) return;
    const delayMs = Math.min(maxTimerMs, Math.max(0, nextMs - this.#nowMs()));
    this.#timer = setTimeout(() => this.#tellExpired(), delayMs).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #tellExpired(): void {
    const untilMs = this.#nowMs();
    const ended = this.#registry.endedBetween(this.#toldUntilMs, untilMs);
    this.#toldUntilMs = Math.max(this.#toldUntilMs, untilMs);
    this.arm();
    for (const { id, what } of ended) this.tell(id, what === "role" ? "changed" : "expired");
  }
}
