/** Node's HTTP server with our limits, and the door in front of whatever answers. */
import type { RequestListener, Server } from "node:http";
import { createServer, STATUS_CODES } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Door } from "./door.ts";
import { isForeignFetch, foreignOrigin } from "./door.ts";
import type { Caps, Timeouts, TlsKeys } from "./options.ts";
import { respondRefusal } from "./refusal.ts";
import type { RefusalLog } from "./refusal-log.ts";

export interface HttpServerOptions {
  readonly tls: TlsKeys | undefined;
  readonly timeouts: Timeouts;
  readonly caps: Caps;
  readonly door: Door;
  readonly refusals: RefusalLog;
}

/** Enough for a long token and a browser's own headers. */
const maxHeaderBytes = 16 * 1024;
/** Room for plain requests beside as many WebSockets as are allowed. */
const spareConnections = 1_024;

export function httpServer(options: HttpServerOptions, handler: RequestListener): Server {
  const { door, refusals, caps, timeouts, tls } = options;
  const guarded: RequestListener = (request, response) => {
    const refusal = door.refusal(request) ?? (isForeignFetch(request) ? foreignOrigin : undefined);
    if (!refusal) return handler(request, response);
    refusals.add("request", refusal, door.facts(request).address);
    respondRefusal(response, refusal);
  };
  const settings = {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    connectionsCheckingInterval: Math.max(20, Math.min(timeouts.headersMs / 4, 2_000)),
    keepAliveTimeout: 5_000,
    noDelay: true,
  };
  const server = tls
    ? createTlsServer(
        { ...settings, ...tls, minVersion: "TLSv1.2", handshakeTimeout: timeouts.headersMs },
        guarded,
      )
    : createServer(settings, guarded);
  server.maxConnections = caps.connections + spareConnections;
  return server;
}

/** What cannot be read as HTTP, or came too slowly, gets a bare status. */
export function answerUnreadable(
  error: Error & { code?: string },
  socket: Duplex,
  refusals: RefusalLog,
): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = unreadable[error.code ?? ""] ?? 400;
  const address = socket instanceof Socket ? socket.remoteAddress : undefined;
  refusals.add("request", { status, code: "unreadable", message: "", nextStep: "" }, address ?? "");
  const reason = `${status} ${STATUS_CODES[status] ?? ""}`;
  socket.end(`HTTP/1.1 ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

const unreadable: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};
