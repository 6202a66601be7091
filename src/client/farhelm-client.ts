/**
 * A host, seen from a device: proves itself, connects, calls, listens, and comes back by itself after
 * a lost connection. Needs nothing of a page; what differs between browsers and Node is passed in.
 */
import type {
  socketPath as SocketPath,
  subprotocol as Subprotocol,
  ticketPrefix as TicketPrefix,
} from "../protocol/auth-api.ts";
import { closeCodes } from "../protocol/close-codes.ts";
import type { ApprovalChallenge } from "../protocol/signed-approval.ts";
import type { HttpPost } from "./auth-calls.ts";
import type { ClientSocket, OpenSocket } from "./client-socket.ts";
import type { ConnectionEvent, ConnectionState } from "./connection-state.ts";
import { next } from "./connection-state.ts";
import type { AccessToken } from "./credentials.ts";
import { Credentials } from "./credentials.ts";
import type { KeyStore } from "./device-key.ts";
import type { HostNotification, HostRequest, Requests, ServerRequests } from "./host-api.ts";
import type { SignedOutReason } from "./refused.ts";
import { hostRestored, pairAgain, Refused } from "./refused.ts";
import { ConnectionLost, RpcPeer } from "./rpc-peer.ts";
import { NotSigned, signApproval } from "./signed-approval.ts";
import type { WatchListener } from "./watched-threads.ts";
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

const subprotocol: typeof Subprotocol = "farhelm.v1";
const ticketPrefix: typeof TicketPrefix = "farhelm.ticket.";
const socketPath: typeof SocketPath = "/ws";

/** From the first byte of an attempt to the answer of `initialize`. */
const attemptTimeoutMs = 20_000;
/** A live host answers a small call well within this, also over a slow phone link. */
const probeTimeoutMs = 6_000;

/** One attempt to connect and, if it succeeds, the connection. What a superseded link reports is ignored. */
interface Link {
  peer: RpcPeer | undefined;
  socket: ClientSocket | undefined;
}

export class FarhelmClient {
  readonly #options: ClientOptions;
  readonly #credentials: Credentials;
  readonly #watched: WatchedThreads;
  #state: ConnectionState = { kind: "stopped" };
  #host: Requests["initialize"]["result"] | undefined;
  #link: Link | undefined;
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
  get host(): Requests["initialize"]["result"] | undefined {
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
    const link = this.#link;
    if (this.#state.kind !== "connected" || link?.peer === undefined) return;
    const timer = setTimeout(() => this.#fail(link, "The host does not answer."), probeTimeoutMs);
    const answered = (): void => clearTimeout(timer);
    link.peer.call("thread/loaded/list", {}).then(answered, answered);
  }

  networkChanged(online: boolean): void {
    this.#apply({ kind: online ? "networkBack" : "networkLost" });
    if (online) this.wake();
  }

  /** Rejects with `CallRefused` or `ConnectionLost`; never sent again by itself. */
  call<Name extends keyof Requests>(
    method: Name,
    params: Requests[Name]["params"],
  ): Promise<Requests[Name]["result"]> {
    const peer = this.#connectedPeer();
    return peer === undefined ? Promise.reject(new ConnectionLost()) : peer.call(method, params);
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
    decision: "accept" | "acceptForSession",
  ): Promise<void> {
    const peer = this.#connectedPeer();
    const device = await this.#options.keyStore.load();
    if (device === undefined) {
      throw new NotSigned("This browser has no device key, so it cannot sign. Pair it first.");
    }
    const { hostId } = this.#credentials;
    const farhelmSignature = await signApproval(device, challenge, decision, hostId);
    if (peer === undefined || peer !== this.#connectedPeer()) throw new ConnectionLost();
    peer.answer(id, method, { decision, farhelmSignature });
  }

  /** Resumes the thread now and after every reconnect, until `unwatch`. */
  watch(threadId: string, options = { subscribed: false }): void {
    this.#watched.watch(threadId, options);
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
    this.#watched.detach();
    const link = this.#link;
    this.#link = undefined;
    link?.peer?.lose();
    link?.socket?.close(1000, "");
  }

  #attempt(): void {
    const link: Link = { peer: undefined, socket: undefined };
    this.#link = link;
    const late = (): void => this.#fail(link, "The host takes too long to answer.");
    this.#attemptTimer = setTimeout(late, attemptTimeoutMs);
    void this.#enter(link);
  }

  async #enter(link: Link): Promise<void> {
    try {
      const ticket = await this.#credentials.ticket();
      if (this.#link === link) this.#open(link, ticket);
    } catch (error) {
      this.#failWith(link, error);
    }
  }

  #open(link: Link, ticket: string): void {
    const { origin, openSocket, listener } = this.#options;
    const url = `${origin.replace(/^http/, "ws")}${socketPath}`;
    const socket = openSocket(url, [subprotocol, `${ticketPrefix}${ticket}`], {
      opened: () => void this.#initialize(link),
      received: (text) => {
        if (this.#link === link) link.peer?.receive(text);
      },
      closed: (code, reason) => this.#closed(link, code, reason),
    });
    link.socket = socket;
    link.peer = new RpcPeer((text) => socket.send(text), {
      notified: (notification) => this.#notified(notification),
      asked: (request) => listener.asked(request),
    });
  }

  #notified(notification: HostNotification): void {
    if (notification.method === "farhelm/access/generation") {
      void this.#credentials.learn(notification.params);
    }
    this.#options.listener.notified(notification);
  }

  async #initialize(link: Link): Promise<void> {
    const { peer } = link;
    if (this.#link !== link || peer === undefined) return;
    try {
      this.#host = await peer.call("initialize", {
        clientInfo: this.#options.clientInfo,
        capabilities: { experimentalApi: true, requestAttestation: false },
      });
    } catch (error) {
      this.#failWith(link, error);
      return;
    }
    if (this.#link !== link) return;
    clearTimeout(this.#attemptTimer);
    peer.notify("initialized");
    this.#apply({ kind: "established", atMs: Date.now() });
    this.#watched.attach(peer);
  }

  #closed(link: Link, code: number, reason: string): void {
    if (this.#link !== link) return;
    const ended = finalCloses.get(code);
    if (code === closeCodes.accessChanged) this.#credentials.forget();
    if (ended === undefined) this.#fail(link, reason || "The connection was lost.");
    else this.#apply({ kind: "refused", reason: ended });
  }

  #failWith(link: Link, error: unknown): void {
    if (this.#link !== link) return;
    if (error instanceof Refused && !error.temporary) {
      this.#apply({ kind: "refused", reason: error.reason });
      return;
    }
    this.#fail(link, error instanceof Error ? error.message : String(error));
  }

  #fail(link: Link, reason: string): void {
    if (this.#link !== link) return;
    const jitter = (this.#options.random ?? Math.random)();
    this.#apply({ kind: "failed", reason, atMs: Date.now(), jitter });
  }
}

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
