/** The threads that a view is open on. Each is resumed on every new connection, and its answer replaces what the view knew. */
import type { Requests } from "./host-api.ts";
import { ConnectionLost } from "./rpc-peer.ts";

export type Resumed = Requests["thread/resume"]["result"];

export interface WatchListener {
  resumed(answer: Resumed): void;
  /** The thread cannot be watched, for example because it is gone. Not called when the connection was lost: the next one tries again. */
  resumeFailed(threadId: string, error: Error): void;
}

export interface ThreadCalls {
  call(method: "thread/resume", params: { threadId: string }): Promise<Resumed>;
  call(method: "thread/unsubscribe", params: { threadId: string }): Promise<object>;
}

export class WatchedThreads {
  readonly #listener: WatchListener;
  /** Whether this connection is subscribed or about to be. */
  readonly #threads = new Map<string, boolean>();
  #peer: ThreadCalls | undefined;

  constructor(listener: WatchListener) {
    this.#listener = listener;
  }

  /** `subscribed`: the host did it already, as with a thread that this connection started. */
  watch(threadId: string, options: { readonly subscribed: boolean }): void {
    const known = this.#threads.get(threadId) ?? false;
    this.#threads.set(threadId, known || options.subscribed);
    if (!known && !options.subscribed) this.#resume(threadId);
  }

  unwatch(threadId: string): void {
    if (!this.#threads.delete(threadId)) return;
    // A refusal or a lost connection leaves nothing to undo: the subscription ends with the socket.
    this.#peer?.call("thread/unsubscribe", { threadId }).catch(() => undefined);
  }

  /** A new connection: everything is asked for again. */
  attach(peer: ThreadCalls): void {
    this.#peer = peer;
    for (const threadId of this.#threads.keys()) this.#resume(threadId);
  }

  detach(): void {
    this.#peer = undefined;
    for (const threadId of this.#threads.keys()) this.#threads.set(threadId, false);
  }

  #resume(threadId: string): void {
    if (this.#peer === undefined) return;
    this.#threads.set(threadId, true);
    void this.#ask(this.#peer, threadId);
  }

  async #ask(peer: ThreadCalls, threadId: string): Promise<void> {
    try {
      const answer = await peer.call("thread/resume", { threadId });
      if (this.#threads.has(threadId)) this.#listener.resumed(answer);
    } catch (error) {
      if (error instanceof ConnectionLost || !this.#threads.has(threadId)) return;
      this.#threads.set(threadId, false);
      const failure = error instanceof Error ? error : new Error(String(error));
      this.#listener.resumeFailed(threadId, failure);
    }
  }
}
