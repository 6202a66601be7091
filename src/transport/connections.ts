/** All open WebSockets: opens them, counts them against the caps, pings them, ends them. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Server as UpgradeServer } from "ws";
import { WebSocketServer } from "ws";
import { socketPath, subprotocol } from "../protocol/auth-api.ts";
import type { Principal } from "../protocol/principal.ts";
import type { Sessions } from "../session/port.ts";
import type { Counters } from "./counters.ts";
import { RawFrameSocket } from "./frame-socket.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { SocketOwner } from "./host-socket.ts";
import { HostSocket, maxFirstMessageBytes } from "./host-socket.ts";
import type { Log } from "./log.ts";
import { errorFacts } from "./log.ts";
import type { Caps } from "./options.ts";
import { pathOf } from "./upgrade-request.ts";

/** Tells a client how often it will be pinged, in milliseconds. */
export const pingIntervalHeader = "x-farhelm-ping-interval-ms";
/** How long a peer may take to answer a closing frame. */
const closeTimeoutMs = 2_000;

export interface ConnectionsOptions {
  readonly sessions: Sessions;
  readonly counters: Counters;
  readonly log: Log;
  readonly caps: Caps;
  readonly pingIntervalMs: number;
}

export class Connections implements SocketOwner {
  readonly counters: Counters;
  readonly #options: ConnectionsOptions;
  readonly #server: UpgradeServer<typeof HostSocket>;
  readonly #heartbeat: Heartbeat<HostSocket>;
  readonly #perKey = new Map<string, number>();
  #total = 0;
  #onEmpty: (() => void) | undefined;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.counters = options.counters;
    this.#server = new WebSocketServer(serverOptions);
    this.#server.on("headers", (headers) => {
      headers.push(`${pingIntervalHeader}: ${options.pingIntervalMs}`);
    });
    this.#heartbeat = new Heartbeat(options.pingIntervalMs, () => {
      this.counters.lost += 1;
    });
  }

  /** Takes a place, which `leave` or the socket's end gives back. The reason when there is none. */
  enter(limitKey: string | undefined): string | undefined {
    const { connections, connectionsPerAddress } = this.#options.caps;
    const ofKey = limitKey === undefined ? 0 : (this.#perKey.get(limitKey) ?? 0);
    if (this.#total >= connections) {
      return `This host has ${connections} connections, as many as it takes.`;
    }
    if (ofKey >= connectionsPerAddress) {
      return `This address has ${connectionsPerAddress} connections, as many as it may.`;
    }
    this.#total += 1;
    if (limitKey !== undefined) this.#perKey.set(limitKey, ofKey + 1);
    return undefined;
  }

  leave(limitKey: string | undefined): void {
    this.#total -= 1;
    if (limitKey === undefined) return;
    const left = (this.#perKey.get(limitKey) ?? 1) - 1;
    if (left > 0) this.#perKey.set(limitKey, left);
    else this.#perKey.delete(limitKey);
  }

  /** Answers an admitted upgrade; its place must have been taken. False when the peer has gone meanwhile. */
  open(
    request: IncomingMessage,
    raw: Socket,
    head: Buffer,
    principal: Principal,
    limitKey: string | undefined,
  ): boolean {
    let opened = false;
    this.#server.handleUpgrade(request, raw, head, (socket) => {
      opened = true;
      this.#begin(socket, raw, principal, limitKey);
    });
    return opened;
  }

  closed(socket: HostSocket): void {
    this.#heartbeat.remove(socket);
    this.leave(socket.limitKey);
    this.counters.open -= 1;
    if (this.counters.open === 0) this.#onEmpty?.();
  }

  failed(socket: HostSocket, error: unknown): void {
    this.#options.log.error("session_failed", errorFacts(error));
    socket.terminate();
  }

  /** Resolves when all are closed; those that are not after `graceMs` are cut. */
  async end(graceMs: number): Promise<void> {
    if (this.counters.open > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          for (const socket of this.#heartbeat.all()) socket.terminate();
        }, graceMs);
        this.#onEmpty = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#heartbeat.stop();
  }

  #begin(
    socket: HostSocket,
    raw: Socket,
    principal: Principal,
    limitKey: string | undefined,
  ): void {
    this.counters.open += 1;
    this.counters.opened += 1;
    socket.limitKey = limitKey;
    this.#heartbeat.add(socket);
    try {
      const frames = new RawFrameSocket(socket, raw, this.counters);
      socket.attach(this, this.#options.sessions.open(principal, frames), raw);
    } catch (error) {
      this.failed(socket, error);
      this.closed(socket);
    }
  }
}

/** Browsers must see their choice confirmed; on other paths an offer is ignored, as the stock server does. */
const handleProtocols = (offers: Set<string>, request: IncomingMessage): string | false =>
  pathOf(request) === socketPath && offers.has(subprotocol) ? subprotocol : false;

const serverOptions = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: maxFirstMessageBytes,
  closeTimeout: closeTimeoutMs,
  WebSocket: HostSocket,
  handleProtocols,
};
