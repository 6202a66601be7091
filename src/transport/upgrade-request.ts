/** Reads what a WebSocket upgrade asks for and with which credential. Pure: nothing is verified here. */
import type { IncomingMessage } from "node:http";
import { socketPath, subprotocol, ticketPrefix } from "../protocol/auth-api.ts";
import { foreignOrigin } from "./door.ts";
import type { Refusal } from "./refusal.ts";

export type Credential =
  | { readonly kind: "ticket"; readonly ticket: string }
  | { readonly kind: "bearer"; readonly token: string }
  | {
      readonly kind: "assertion";
      readonly assertion: string;
      /** The header `chatgpt-account-id`. */
      readonly account: string | undefined;
    };

export type UpgradeReading =
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "read"; readonly credential: Credential };

/** Paths of the HTTP side; a WebSocket is opened on none of them. */
const httpRoute = /^\/(?:healthz|readyz|ca\.crt|auth|v1\/agent|\.well-known|assets)(?:\/|$)/;
/** RFC 6455, section 4.1: 16 bytes in base64. */
const keyPattern = /^[+/0-9A-Za-z]{22}==$/;
const ticketPattern = /^[A-Za-z0-9_-]{1,512}$/;

export const pathOf = (request: IncomingMessage): string =>
  (request.url ?? "").split("?", 1)[0] ?? "";

/** The rules of RFC 6455, section 4.2.1, for the request itself; control.sock asks for no more. */
export function handshakeRefusal(request: IncomingMessage): Refusal | undefined {
  const { headers } = request;
  if (request.method !== "GET")
    return bad(405, "A WebSocket is opened with GET.", { allow: "GET" });
  if (request.httpVersion !== "1.1") return bad(400, "A WebSocket is opened over HTTP/1.1.");
  if (headers.upgrade?.toLowerCase() !== "websocket") {
    return bad(400, "The only upgrade that is taken is `websocket`.");
  }
  if (headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0") {
    return bad(400, "A WebSocket upgrade has no body.");
  }
  if (headers["sec-websocket-version"] !== "13") {
    return bad(426, "The only WebSocket version that is spoken is 13.", {
      "Sec-WebSocket-Version": "13",
    });
  }
  return keyPattern.test(headers["sec-websocket-key"] ?? "")
    ? undefined
    : bad(400, "Sec-WebSocket-Key must be 16 bytes in base64.");
}

/** `socketPath` takes tickets from browsers; every other path that is no HTTP route takes an Authorization header. */
export function readUpgrade(request: IncomingMessage): UpgradeReading {
  const refusal = handshakeRefusal(request);
  if (refusal) return { kind: "refused", refusal };
  const path = pathOf(request);
  if (path === socketPath) return readTicket(request);
  if (httpRoute.test(path)) return refused(404, "no_socket_here", "No WebSocket is opened here.");
  return readAuthorization(request);
}

/** The token of `Authorization: Bearer TOKEN`; the scheme's case does not matter (RFC 9110, section 11.1). */
export function bearerOf(authorization: string): string | undefined {
  return /^bearer +(\S+)$/i.exec(authorization.trim())?.[1];
}

function readAuthorization({ headers }: IncomingMessage): UpgradeReading {
  const { authorization } = headers;
  if (authorization === undefined) {
    return refused(401, "bearer_missing", "missing websocket bearer token");
  }
  const assertion = /^agentassertion +(\S+)$/i.exec(authorization.trim())?.[1];
  if (assertion !== undefined) {
    const account = headers["chatgpt-account-id"]?.toString();
    return { kind: "read", credential: { kind: "assertion", assertion, account } };
  }
  const token = bearerOf(authorization);
  return token === undefined
    ? refused(401, "authorization_invalid", "invalid authorization header")
    : { kind: "read", credential: { kind: "bearer", token } };
}

function readTicket(request: IncomingMessage): UpgradeReading {
  if (request.headers.origin === undefined) return { kind: "refused", refusal: foreignOrigin };
  const offers = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((o) => o.trim());
  const tickets = offers.filter((offer) => offer.startsWith(ticketPrefix));
  if (!offers.includes(subprotocol)) {
    return refused(400, "subprotocol_missing", `The subprotocol ${subprotocol} must be offered.`);
  }
  const [offer, ...others] = tickets;
  if (offer === undefined) return refused(401, "ticket_missing", "missing websocket ticket");
  const ticket = offer.slice(ticketPrefix.length);
  return others.length > 0 || !ticketPattern.test(ticket)
    ? refused(400, "ticket_malformed", "Exactly one ticket, in base64url, must be offered.")
    : { kind: "read", credential: { kind: "ticket", ticket } };
}

const nextStep = "See PROTOCOL.md, how a client connects.";

const refused = (status: number, code: string, message: string): UpgradeReading => ({
  kind: "refused",
  refusal: { status, code, message, nextStep },
});

const bad = (
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal => ({ status, code: "bad_handshake", message, nextStep, headers });
