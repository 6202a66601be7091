/** One connection to the host, from opening its socket to its end: initialised, watched for signs of life, and silent once it was dropped. */
import type {
  socketPath as SocketPath,
  subprotocol as Subprotocol,
  ticketPrefix as TicketPrefix,
} from "../protocol/auth-api.ts";
import type { ClientSocket, OpenSocket } from "./client-socket.ts";
import type { Requests } from "./host-api.ts";
import { LifeSigns } from "./life-signs.ts";
import type { PeerListener } from "./rpc-peer.ts";
import { RpcPeer } from "./rpc-peer.ts";

/** What the host says of itself; one of an earlier version says less. */
export type HostWords = Requests["initialize"]["result"];

export interface LinkOptions {
  readonly origin: string;
  readonly openSocket: OpenSocket;
  readonly clientInfo: { readonly name: string; readonly title: string; readonly version: string };
}

export interface LinkListener extends PeerListener {
  established(host: HostWords): void;
  /** It cannot be used, or does not answer. */
  failed(error: unknown): void;
  closed(code: number, reason: string): void;
}

const subprotocol: typeof Subprotocol = "farhelm.v1";
const ticketPrefix: typeof TicketPrefix = "farhelm.ticket.";
const socketPath: typeof SocketPath = "/ws";

/** Of hosts that do not say how often they ping. */
const usualPingIntervalMs = 20_000;

export class HostLink {
  readonly #options: LinkOptions;
  readonly #listener: LinkListener;
  #socket: ClientSocket | undefined;
  #peer: RpcPeer | undefined;
  #signs: LifeSigns | undefined;
  #isDropped = false;

  constructor(options: LinkOptions, listener: LinkListener) {
    this.#options = options;
    this.#listener = listener;
  }

  get peer(): RpcPeer | undefined {
    return this.#peer;
  }

  open(ticket: string): void {
    if (this.#isDropped) return;
    const { origin, openSocket } = this.#options;
    const url = `${origin.replace(/^http/, "ws")}${socketPath}`;
    const socket = openSocket(url, [subprotocol, `${ticketPrefix}${ticket}`], {
      opened: () => void this.#initialize(),
      received: (text) => {
        if (this.#isDropped) return;
        this.#signs?.heard();
        this.#peer?.receive(text);
      },
      closed: (code, reason) => {
        if (!this.#isDropped) this.#listener.closed(code, reason);
      },
    });
    this.#socket = socket;
    this.#peer = new RpcPeer((text) => socket.send(text), this.#listener);
  }

  /** Asks whether the host is still there. */
  doubt(): void {
    this.#signs?.doubt();
  }

  /** Calls in flight reject, and the listener hears nothing any more. */
  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#signs?.stop();
    this.#peer?.lose();
    this.#socket?.close(1000, "");
  }

  async #initialize(): Promise<void> {
    const peer = this.#peer;
    if (this.#isDropped || peer === undefined) return;
    try {
      const host = await peer.call("initialize", {
        clientInfo: this.#options.clientInfo,
        capabilities: {
          experimentalApi: true,
          requestAttestation: false,
          heartbeat: true,
          // none is named here, as each is resumed by itself: it says that this client counts
          threads: [],
        },
      });
      if (this.#isDropped) return;
      peer.notify("initialized");
      this.#signs = this.#watch(peer, host.pingIntervalMs ?? usualPingIntervalMs);
      this.#listener.established(host);
    } catch (error) {
      if (!this.#isDropped) this.#listener.failed(error);
    }
  }

  #watch(peer: RpcPeer, intervalMs: number): LifeSigns {
    return new LifeSigns({
      intervalMs,
      ask: () => void peer.call("thread/loaded/list", { limit: 1 }).catch(() => undefined),
      dead: () => this.#listener.failed(new Error("The host does not answer.")),
    });
  }
}
