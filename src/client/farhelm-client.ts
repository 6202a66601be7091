/**
 * A host, seen from a device: proves itself, connects, calls, listens, and comes back by itself after
 * a lost connection. Needs nothing of a page; what differs between browsers and Node is passed in.
 */
import { closeCodes } from "../protocol/close-codes.ts";
import type { ApprovalChallenge } from "../protocol/signed-approval.ts";
import type { HttpPost } from "./auth-calls.ts";
import type { OpenSocket } from "./client-socket.ts";
import type { ConnectionEvent, ConnectionState } from "./connection-state.ts";
import { next } from "./connection-state.ts";
import type { AccessToken } from "./credentials.ts";
import { Credentials } from "./credentials.ts";
import type { KeyStore } from "./device-key.ts";
import type { HostNotification, HostRequest, Requests, ServerRequests } from "./host-api.ts";
import type { SignedOutReason } from "./refused.ts";
import { hostRestored, pairAgain, Refused } from "./refused.ts";
import type { HostWords } from "./host-link.ts";
import { HostLink } from "./host-link.ts";
import type { CallOptions } from "./open-calls.ts";
import { OpenCalls } from "./open-calls.ts";
import type { RpcPeer } from "./rpc-peer.ts";
import { ConnectionLost } from "./rpc-peer.ts";
import { NotSigned, signApproval } from "./signed-approval.ts";
import type { Resumed, WatchListener } from "./watched-threads.ts";
import { WatchedThreads } from "./watched-threads.ts";

export interface ClientListener extends WatchListener {
  stateChanged(state: ConnectionState): void;
  notified(notification: HostNotification): void;
  asked(request: HostRequest): void;
}

export interface ClientOptions {
  /** Scheme, host and port under which the host is reached, without a slash at the end. */
  readonly origin: string;
  readonly post: HttpPost;
  readonly openSocket: OpenSocket;
  readonly keyStore: KeyStore;
  readonly clientInfo: { readonly name: string; readonly title: string; readonly version: string };
  readonly listener: ClientListener;
  /** A number in [0, 1), for the back-off. */
  readonly random?: () => number;
}

type ApprovalMethod = Extract<keyof ServerRequests, `${string}/requestApproval`>;

/** A decision, or what is granted of the permissions that were asked for. */
export type ApprovalAnswer =
  | { readonly decision: "accept" | "acceptForSession" | "decline" }
  | Omit<ServerRequests["item/permissions/requestApproval"]["result"], "farhelmSignature">;

/** From the first byte of an attempt to the answer of `initialize`. */
const attemptTimeoutMs = 20_000;
export class FarhelmClient {
  readonly #options: ClientOptions;
  readonly #credentials: Credentials;
  readonly #watched: WatchedThreads;
  readonly #calls = new OpenCalls();
  #state: ConnectionState = { kind: "stopped" };
  #host: HostWords | undefined;
  #link: HostLink | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #attemptTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#credentials = new Credentials(options, options.keyStore);
    this.#watched = new WatchedThreads(options.listener);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** What this device may do; undefined until a token was given. */
  get role(): AccessToken["role"] | undefined {
    return this.#credentials.role;
  }

  /** What the host said of itself on the last connection. */
  get host(): HostWords | undefined {
    return this.#host;
  }

  /** Begins to connect; after a pairing with the token that it gave. */
  start(token?: AccessToken): void {
    if (token !== undefined) this.#credentials.adopt(token);
    this.#apply({ kind: "start" });
  }

  stop(): void {
    this.#apply({ kind: "stop" });
  }

  /** The user looks or asks: tries now if waiting, and checks that a connection that seems open still answers. */
  wake(): void {
    this.#apply({ kind: "wake" });
    this.#link?.doubt();
  }

  networkChanged(online: boolean): void {
    this.#apply({ kind: online ? "networkBack" : "networkLost" });
    if (online) this.wake();
  }

  /**
   * Rejects with `CallRefused`; with `OutcomeUnknown` when the host died over it; with `ConnectionLost` when it is given up:
   * at once without `retry`, else after ten minutes without a connection, or when there will be none.
   */
  call<Name extends keyof Requests>(
    method: Name,
    params: Requests[Name]["params"],
    options: CallOptions = {},
  ): Promise<Requests[Name]["result"]> {
    return this.#calls.call(method, params, options, (result, replayed) => {
      if (options.watch && holdsThread(result)) this.#watched.adopt(result, !replayed);
    });
  }

  /** Throws `ConnectionLost` when there is no connection to answer on. */
  answer<Name extends keyof ServerRequests>(
    id: string | number,
    method: Name,
    result: ServerRequests[Name]["result"],
  ): void {
    const peer = this.#connectedPeer();
    if (peer === undefined) throw new ConnectionLost();
    peer.answer(id, method, result);
  }

  /**
   * Answers an approval with this device's signature over the challenge and the decision. Rejects with
   * `NotSigned`, or with `ConnectionLost` when the connection that was asked is gone.
   */
  async answerSigned(
    id: string | number,
    method: ApprovalMethod,
    challenge: ApprovalChallenge,
    answer: ApprovalAnswer,
  ): Promise<void> {
    const peer = this.#connectedPeer();
    const device = await this.#options.keyStore.load();
    if (device === undefined) {
      throw new NotSigned("This browser has no device key, so it cannot sign. Pair it first.");
    }
    const { hostId } = this.#credentials;
    const decision = "decision" in answer ? answer.decision : answer;
    const farhelmSignature = await signApproval(device, challenge, decision, hostId);
    if (peer === undefined || peer !== this.#connectedPeer()) throw new ConnectionLost();
    peer.answer(id, method, { ...answer, farhelmSignature });
  }

  /** Resumes the thread now and after every reconnect, until `unwatch`. */
  watch(threadId: string): void {
    this.#watched.watch(threadId);
  }

  unwatch(threadId: string): void {
    this.#watched.unwatch(threadId);
  }

  #connectedPeer(): RpcPeer | undefined {
    return this.#state.kind === "connected" ? this.#link?.peer : undefined;
  }

  #apply(event: ConnectionEvent): void {
    const before = this.#state;
    const after = next(before, event);
    if (after === undefined) return;
    this.#state = after;
    clearTimeout(this.#retryTimer);
    if (after.kind !== "connected" && after.kind !== "attempting") this.#dropLink();
    if (after.kind === "stopped" || after.kind === "signedOut") this.#calls.giveUp();
    this.#options.listener.stateChanged(after);
    if (after.kind === "attempting") this.#attempt();
    if (after.kind === "waiting") {
      const { attempt, retryAtMs } = after;
      const due = (): void => this.#apply({ kind: "retryDue", attempt });
      this.#retryTimer = setTimeout(due, Math.max(0, retryAtMs - Date.now()));
    }
  }

  #dropLink(): void {
    clearTimeout(this.#attemptTimer);
    this.#calls.detach();
    this.#watched.detach();
    this.#link?.drop();
    this.#link = undefined;
  }

  #attempt(): void {
    const link = new HostLink(this.#options, {
      established: (host) => this.#established(link, host),
      failed: (error) => this.#failed(error),
      closed: (code, reason) => this.#closed(code, reason),
      notified: (notification, seq) => this.#notified(notification, seq),
      asked: (request, seq) => {
        if (this.#watched.admits(request, seq)) this.#options.listener.asked(request);
      },
    });
    this.#link = link;
    const late = new Error("The host takes too long to answer.");
    this.#attemptTimer = setTimeout(() => this.#failed(late), attemptTimeoutMs);
    void this.#enter(link);
  }

  async #enter(link: HostLink): Promise<void> {
    try {
      link.open(await this.#credentials.ticket());
    } catch (error) {
      if (this.#link === link) this.#failed(error);
    }
  }

  #established({ peer }: HostLink, host: HostWords): void {
    if (peer === undefined) return;
    clearTimeout(this.#attemptTimer);
    this.#host = host;
    // Threads first: what is called again may be about one that a new host has not loaded.
    this.#watched.attach(peer);
    this.#calls.attach(peer, host.idempotencyKeyMs ?? 0);
    this.#apply({ kind: "established", atMs: Date.now() });
  }

  #notified(notification: HostNotification, seq: number | undefined): void {
    if (!this.#watched.admits(notification, seq)) return;
    if (notification.method === "farhelm/access/generation") {
      void this.#credentials.learn(notification.params);
    }
    this.#options.listener.notified(notification);
    if (notification.method === "thread/reverted") {
      this.#watched.reverted(notification.params.threadId);
    }
  }

  #closed(code: number, reason: string): void {
    const ended = finalCloses.get(code);
    if (code === closeCodes.accessChanged) this.#credentials.forget();
    if (ended === undefined) this.#failed(new Error(reason || "The connection was lost."));
    else this.#apply({ kind: "refused", reason: ended });
  }

  #failed(error: unknown): void {
    if (error instanceof Refused && !error.temporary) {
      this.#apply({ kind: "refused", reason: error.reason });
      return;
    }
    const reason = error instanceof Error ? error.message : String(error);
    const jitter = (this.#options.random ?? Math.random)();
    this.#apply({ kind: "failed", reason, atMs: Date.now(), jitter });
  }
}

const holdsThread = (result: unknown): result is Resumed =>
  typeof result === "object" && result !== null && "thread" in result && "model" in result;

const finalCloses: ReadonlyMap<number, SignedOutReason> = new Map([
  [
    closeCodes.revoked,
    {
      code: "revoked",
      message: "An administrator took away this device's access.",
      nextStep: pairAgain,
    },
  ],
  [
    closeCodes.expired,
    { code: "expired", message: "This device's access has run out.", nextStep: pairAgain },
  ],
  [closeCodes.hostRestored, hostRestored],
]);
