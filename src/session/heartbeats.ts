/** Tells connections that the host lives, where a client cannot see the pings of its socket. One timer for all. */
import type { z } from "zod";
import type { heartbeat } from "../protocol/connection-notifications.ts";

type Beat = z.input<typeof heartbeat.params>;

export class Heartbeats {
  readonly #intervalMs: number;
  readonly #listeners = new Set<(beat: Beat) => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Calls `tell` at every interval, the first time within one. The function that it gives ends that. */
  begin(tell: (beat: Beat) => void): () => void {
    this.#listeners.add(tell);
    this.#timer ??= setInterval(() => this.#beat(), this.#intervalMs).unref();
    return () => {
      this.#listeners.delete(tell);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #beat(): void {
    for (const tell of this.#listeners) tell({ intervalMs: this.#intervalMs });
  }
}
