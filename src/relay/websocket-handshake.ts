/**
 * RFC 6455, section 4, for both ends of a relay. The two connections use no extension, so whole frames mean the
 * same on both, and after the handshakes the bytes are passed on as they are.
 */
import { createHash, randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Of the protocol (RFC 6455, section 1.3). */
const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** `Sec-WebSocket-Key` of a new connection. */
export const newWebSocketKey = (): string => randomBytes(16).toString("base64");

/** `Sec-WebSocket-Accept` for a key. */
export const acceptFor = (key: string): string =>
  createHash("sha1")
    .update(key + acceptSuffix)
    .digest("base64");

/** The key of an upgrade to version 13, or the status that refuses it. */
export function readWebSocketUpgrade(
  method: string | undefined,
  headers: IncomingHttpHeaders,
): { readonly key: string } | { readonly status: 400 | 405 | 426; readonly message: string } {
  if (method !== "GET") return { status: 405, message: "A WebSocket is opened with GET." };
  if (headers.upgrade?.toLowerCase() !== "websocket") {
    return { status: 426, message: "This socket takes WebSocket upgrades alone." };
  }
  if (headers["sec-websocket-version"] !== "13") {
    return { status: 426, message: "This socket speaks version 13 of the WebSocket protocol." };
  }
  const key = headers["sec-websocket-key"] ?? "";
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    return { status: 400, message: "Sec-WebSocket-Key is missing or not 16 bytes." };
  }
  return { key };
}
