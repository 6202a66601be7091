/**
 * The threads that a view is open on. Each is resumed on every new connection, from where the view is: what happened
 * meanwhile comes behind the answer, and only where the host cannot give it, or where turns were taken back, the answer
 * replaces what the view knew.
 */
import type { HostNotification, HostRequest, Requests } from "./host-api.ts";
import { ConnectionLost } from "./rpc-peer.ts";
import type { Stream, WatchEvent, WatchState } from "./watch-state.ts";
import { nextWatch } from "./watch-state.ts";

export type Resumed = Pick<Requests["thread/resume"]["result"], "thread" | "model">;

export interface WatchListener {
  /** What the view knew of the thread is replaced by this. */
  resumed(answer: Resumed): void;
  /** What the view knows stays; so many events that it missed come next. */
  caughtUp(threadId: string, missed: number): void;
  /** What the view missed cannot be had, for this reason; `resumed` follows at once. */
  gap(threadId: string, reason: string): void;
  /** The thread cannot be watched, for example because it is gone. Not called when the connection was lost: the next one tries again. */
  resumeFailed(threadId: string, error: Error): void;
}

interface Since {
  readonly epoch: string;
  readonly seq: number;
  readonly requestIds: readonly (string | number)[];
}

/** `taken` sees the answer before anything that the host sent behind it is looked at. */
export interface ThreadCalls {
  call(
    method: "thread/resume",
    params: { threadId: string; since?: Since },
    options: { readonly taken: (answer: Resumed) => void },
  ): Promise<unknown>;
  call(method: "thread/unsubscribe", params: { threadId: string }): Promise<unknown>;
}

interface Watched {
  state: WatchState;
  /** Questions of the host that the view shows as open. */
  readonly requestIds: Set<string | number>;
  askedAtMs: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** More than the host takes in one `since` are not named. */
const maxRequestIds = 1000;
/** A thread that shows holes is asked for again no more often. */
const holePauseMs = 2_000;

export class WatchedThreads {
  readonly #listener: WatchListener;
  readonly #threads = new Map<string, Watched>();
  #peer: ThreadCalls | undefined;

  constructor(listener: WatchListener) {
    this.#listener = listener;
  }

  watch(threadId: string): void {
    const watched = this.#threads.get(threadId) ?? fresh();
    this.#threads.set(threadId, watched);
    this.#ask(threadId, watched);
  }

  /** Watches the thread that an answer holds. `subscribed`: this connection follows it already. */
  adopt(answer: Resumed, subscribed: boolean): void {
    const { id } = answer.thread;
    const watched = this.#threads.get(id) ?? fresh();
    this.#threads.set(id, watched);
    for (const kind of ["lost", "ask"] as const) this.#apply(watched, { kind });
    this.#take(watched, answer);
    if (subscribed) return;
    this.#apply(watched, { kind: "lost" });
    this.#ask(id, watched);
  }

  unwatch(threadId: string): void {
    clearTimeout(this.#threads.get(threadId)?.timer);
    if (!this.#threads.delete(threadId)) return;
    // A refusal or a lost connection leaves nothing to undo: the subscription ends with the socket.
    this.#peer?.call("thread/unsubscribe", { threadId }).catch(() => undefined);
  }

  /** A new connection: everything is asked for from where it is. */
  attach(peer: ThreadCalls): void {
    this.#peer = peer;
    for (const [threadId, watched] of this.#threads) this.#ask(threadId, watched);
  }

  detach(): void {
    this.#peer = undefined;
    for (const watched of this.#threads.values()) {
      clearTimeout(watched.timer);
      this.#apply(watched, { kind: "lost" });
    }
  }

  /** Whether the view is to be shown this, which is in its place or has none. `seq`: its number in its thread's events. */
  admits(frame: HostNotification | HostRequest, seq: number | undefined): boolean {
    const threadId = "threadId" in frame.params ? frame.params.threadId : undefined;
    const watched = typeof threadId === "string" ? this.#threads.get(threadId) : undefined;
    if (watched === undefined || typeof threadId !== "string") return true;
    if (seq !== undefined && !this.#continues(threadId, watched, seq)) return false;
    if ("id" in frame) watched.requestIds.add(frame.id);
    else if (frame.method === "serverRequest/resolved") {
      watched.requestIds.delete(frame.params.requestId);
    }
    return true;
  }

  /** The view was shown that turns were taken back. */
  reverted(threadId: string): void {
    const watched = this.#threads.get(threadId);
    if (watched && this.#apply(watched, { kind: "reverted" })) this.#send(threadId, watched);
  }

  #continues(threadId: string, watched: Watched, seq: number): boolean {
    if (!this.#apply(watched, { kind: "event", seq })) return false;
    if (watched.state.kind === "following") return true;
    const pauseMs = watched.askedAtMs + holePauseMs - performance.now();
    if (pauseMs <= 0) this.#send(threadId, watched);
    else watched.timer = setTimeout(() => this.#send(threadId, watched), pauseMs);
    return false;
  }

  #apply(watched: Watched, event: WatchEvent): boolean {
    const after = nextWatch(watched.state, event);
    if (after !== undefined) watched.state = after;
    return after !== undefined;
  }

  #ask(threadId: string, watched: Watched): void {
    if (this.#peer === undefined || !this.#apply(watched, { kind: "ask" })) return;
    this.#send(threadId, watched);
  }

  #send(threadId: string, watched: Watched): void {
    clearTimeout(watched.timer);
    watched.askedAtMs = performance.now();
    if (this.#peer !== undefined) void this.#resume(this.#peer, threadId, watched);
  }

  async #resume(peer: ThreadCalls, threadId: string, watched: Watched): Promise<void> {
    const { place } = watched.state;
    const requestIds = [...watched.requestIds].slice(0, maxRequestIds);
    const params = place ? { threadId, since: { ...place, requestIds } } : { threadId };
    const isCurrent = (): boolean => this.#peer === peer && this.#threads.get(threadId) === watched;
    try {
      await peer.call("thread/resume", params, {
        taken: (answer) => {
          if (isCurrent()) this.#take(watched, answer);
        },
      });
    } catch (error) {
      if (error instanceof ConnectionLost || !isCurrent()) return;
      this.#apply(watched, { kind: "refused" });
      const failure = error instanceof Error ? error : new Error(String(error));
      this.#listener.resumeFailed(threadId, failure);
    }
  }

  #take(watched: Watched, answer: Resumed): void {
    const stream = streamOf(answer);
    if (!this.#apply(watched, { kind: "answered", stream })) return;
    const { id } = answer.thread;
    if (stream?.outcome === "replayed") {
      this.#listener.caughtUp(id, stream.replayed ?? 0);
      return;
    }
    if (stream?.outcome === "gap") this.#listener.gap(id, stream.reason ?? "");
    else watched.requestIds.clear();
    this.#listener.resumed(answer);
  }
}

const fresh = (): Watched => ({
  state: { kind: "apart", place: undefined },
  requestIds: new Set(),
  askedAtMs: 0,
  timer: undefined,
});

/** Hosts of an earlier version number nothing. */
function streamOf(answer: object): Stream | undefined {
  if (!("stream" in answer)) return undefined;
  const { stream } = answer;
  return typeof stream === "object" && stream !== null && isStream(stream) ? stream : undefined;
}

const isStream = (stream: object): stream is Stream =>
  "epoch" in stream && "seq" in stream && "outcome" in stream;
