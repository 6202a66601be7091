/** A refusal on its way out: as JSON to an HTTP request, as text to a WebSocket upgrade. */
import type { ServerResponse } from "node:http";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { AuthError } from "../auth/port.ts";
import type { Refusal as RefusalBody } from "../protocol/auth-api.ts";

export interface Refusal {
  readonly status: number;
  readonly code: string;
  /** What the audit log says instead of `code`. */
  readonly auditCode?: string;
  readonly message: string;
  readonly nextStep: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The stock server refuses a foreign Origin without a word; so do we. */
  readonly silent?: boolean;
}

/** How long a refused peer may take to read why; then its socket is destroyed. */
const lingerMs = 1_000;
/** When a peer that came too often, or too many, may try again. */
const retryAfterSeconds = "10";

export const refusalBody = ({ code, message, nextStep }: Refusal): RefusalBody => ({
  error: { code, message, nextStep },
});

export function authRefusal(error: AuthError): Refusal {
  const { status, code, auditCode, message, nextStep } = error;
  const wait = status === 429 || status === 503;
  return {
    status,
    code,
    message,
    nextStep,
    ...(auditCode !== code && { auditCode }),
    ...(wait && { headers: { "retry-after": retryAfterSeconds } }),
  };
}

export const internalRefusal: Refusal = {
  status: 500,
  code: "internal",
  message: "The host failed to answer.",
  nextStep: "Look at the host's log.",
};

export function tooManyCalls(waitMs: number): Refusal {
  const seconds = Math.ceil(waitMs / 1000);
  return {
    status: 429,
    code: "too_many_requests",
    message: "Too many attempts from this address.",
    nextStep: `Wait ${seconds} s and try again.`,
    headers: { "retry-after": String(seconds) },
  };
}

export const noRoom = (message: string): Refusal => ({
  status: 503,
  code: "no_room",
  message,
  nextStep: "Close connections that are not needed, or try again later.",
  headers: { "retry-after": retryAfterSeconds },
});

export const refusalFor = (error: unknown): Refusal =>
  error instanceof AuthError ? authRefusal(error) : internalRefusal;

/** Answers before any framework saw the request. The body is not read, so the connection ends. */
export function respondRefusal(response: ServerResponse, refusal: Refusal): void {
  const body = refusal.silent ? "" : JSON.stringify(refusalBody(refusal));
  response.writeHead(refusal.status, {
    ...refusal.headers,
    ...(body && { "content-type": "application/json; charset=utf-8" }),
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    connection: "close",
  });
  response.end(body);
}

/** Answers an upgrade on its bare socket: status and, as text, the message alone. */
export function refuseUpgrade(socket: Socket, refusal: Refusal): void {
  if (socket.destroyed) return;
  const body = refusal.silent ? "" : refusal.message;
  const headers = {
    Connection: "close",
    ...(body && { "Content-Type": "text/plain; charset=utf-8" }),
    "Content-Length": String(Buffer.byteLength(body)),
    ...refusal.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const status = `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ""}`;
  socket.end(`${[status, ...lines].join("\r\n")}\r\n\r\n${body}`);
  // What the peer still sends is thrown away: destroying a socket with unread data would reset it and lose the answer.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
}
