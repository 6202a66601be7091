/** The Unix socket on which clients of this machine come in: WebSocket upgrades without an Origin, and nothing else. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  chosenFolder,
  listenPrivately,
  ownFolder,
  type SocketAdvice,
} from "../util/private-socket.ts";
import { splice } from "./splice.ts";
import type { Upstream } from "./upstream.ts";
import { acceptFor, readWebSocketUpgrade } from "./websocket-handshake.ts";

/** Those under way included: of one person's terminals. */
const maxConnections = 64;
const headersTimeoutMs = 10_000;
/** How long a client may take to read why it was refused. */
const refusalTimeoutMs = 5_000;

/** What is said to a client that is not let through. */
export interface Turned {
  readonly status: number;
  readonly text: string;
}

export interface LocalDoorOptions {
  readonly path: string;
  /** The path was given by a person: its folder is not changed. */
  readonly isChosen: boolean;
  /** A connection of its own to the host, or why there is none. */
  readonly open: () => Promise<Upstream | Turned>;
  /** A connection is over. */
  readonly over: () => void;
}

export class LocalDoor {
  readonly #options: LocalDoorOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  #connections = 0;

  constructor(options: LocalDoorOptions) {
    this.#options = options;
    this.#server = createServer({ headersTimeout: headersTimeoutMs }, (request, response) => {
      const { status, text } = refusal(request) ?? upgradeOnly;
      response.writeHead(status, { "content-type": "text/plain", connection: "close" });
      response.end(`${text}\n`);
    });
    this.#server.maxConnections = 2 * maxConnections;
    this.#server.on("upgrade", (request, socket, head) => void this.#enter(request, socket, head));
  }

  /** Rejects with a sentence when the path cannot be had. */
  listen(): Promise<void> {
    const { path, isChosen } = this.#options;
    return listenPrivately(this.#server, path, advice, isChosen ? chosenFolder : ownFolder);
  }

  /** Ends every connection and takes the file away. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #enter(request: IncomingMessage, near: Duplex, head: Buffer): Promise<void> {
    // Until the two are joined an error means only that the client has gone.
    near.on("error", () => near.destroy());
    const refused = refusal(request);
    const upgrade = readWebSocketUpgrade(request.method, request.headers);
    if (refused !== undefined) return turnAway(near, refused);
    if ("status" in upgrade) {
      return turnAway(near, { status: upgrade.status, text: upgrade.message });
    }
    if (this.#connections >= maxConnections) return turnAway(near, full);
    this.#connections += 1;
    this.#keep(near);
    try {
      await this.#join(near, head, upgrade.key);
    } finally {
      this.#connections -= 1;
    }
  }

  async #join(near: Duplex, head: Buffer, key: string): Promise<void> {
    const upstream = await this.#options.open();
    if ("status" in upstream) return turnAway(near, upstream);
    const { socket: far, head: farHead } = upstream;
    this.#keep(far);
    if (near.destroyed || !this.#server.listening) {
      near.destroy();
      far.destroy();
      return;
    }
    if (far instanceof Socket) far.setTimeout(0).setKeepAlive(true, 30_000).setNoDelay(true);
    near.write(switching(key));
    near.write(farHead);
    far.write(head);
    await splice(near, far);
    this.#options.over();
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }
}

/** What no client of this socket sends. */
function refusal({ headers }: IncomingMessage): Turned | undefined {
  return headers.origin === undefined
    ? undefined
    : {
        status: 403,
        text: "Requests with an Origin are refused: no page of a browser has business here.",
      };
}

const upgradeOnly: Turned = { status: 426, text: "This socket takes WebSocket upgrades alone." };
const full: Turned = {
  status: 503,
  text: `There are ${maxConnections} connections already. Close one of them.`,
};

const switching = (key: string): string =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n\r\n`;

function turnAway(near: Duplex, { status, text }: Turned): void {
  const body = `${text}\n`;
  const version = status === 426 ? "Sec-WebSocket-Version: 13\r\n" : "";
  near.end(
    `HTTP/1.1 ${status} Refused\r\nContent-Type: text/plain; charset=utf-8\r\n${version}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  setTimeout(() => near.destroy(), refusalTimeoutMs).unref();
}

const advice: SocketAdvice = {
  what: "the socket",
  tooLong: "choose a shorter one with --socket",
  foreignFolder: "choose a folder of your own with --socket",
  taken: (path) =>
    `another program answers on ${path}: it may be \`farhelm attach\` for this host already; use that one, or choose another path with --socket`,
};
