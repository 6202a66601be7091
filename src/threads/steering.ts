import { deferred } from "../util/deferred.ts";

/** Words of people that come while a turn runs: what the model was asked is dropped, and asked anew once they are stored. */
export class Steering {
  #request = new AbortController();
  /** Input that is being stored and announced. */
  #pending: Promise<void> | undefined;

  /** The signal of a request that is about to be made; it aborts when somebody has more to say. */
  begin(): AbortSignal {
    this.#request = new AbortController();
    return this.#request.signal;
  }

  /** Whether somebody had more to say since the request began. */
  get wanted(): boolean {
    return this.#request.signal.aborted;
  }

  /** Drops the request in flight. `before` is what to wait for, `done` lets the turn go on. */
  take(): { readonly before: Promise<void> | undefined; readonly done: () => void } {
    const before = this.#pending;
    const gate = deferred<void>();
    this.#pending = gate.promise;
    this.#request.abort(new Error("steered"));
    return { before, done: () => gate.resolve() };
  }

  /**
   * As `begin`, after all input that is being stored, also such that came meanwhile. Nobody has more to
   * say between the two: who comes later drops the request.
   */
  async beginSettled(): Promise<AbortSignal> {
    for (let seen; seen !== this.#pending;) {
      seen = this.#pending;
      await seen;
    }
    return this.begin();
  }
}
