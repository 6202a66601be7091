/** Who is at the other end, as far as it can be believed. The only reader of forwarding headers. */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

export interface Peer {
  readonly address: string;
  readonly loopback: boolean;
  /** A Forwarded or X-Forwarded-* header was present, believed or not. */
  readonly forwarded: boolean;
}

/** `trustedProxies`: exact addresses. X-Forwarded-For is walked from its end while those who wrote it are trusted. */
export function peerOf(request: IncomingMessage, trustedProxies: ReadonlySet<string>): Peer {
  let address = plainAddress(request.socket.remoteAddress ?? "");
  if (trustedProxies.has(address)) {
    for (const hop of hops(request.headers["x-forwarded-for"])) {
      if (isIP(hop) === 0) break;
      address = hop;
      if (!trustedProxies.has(hop)) break;
    }
  }
  return { address, loopback: isLoopback(address), forwarded: isForwarded(request) };
}

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));

const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "");

function hops(header: string | string[] | undefined): readonly string[] {
  const text = Array.isArray(header) ? header.join(",") : (header ?? "");
  return text
    .split(",")
    .map((hop) => plainAddress(hop.trim()))
    .toReversed();
}

const isForwarded = ({ headers }: IncomingMessage): boolean =>
  Object.keys(headers).some((name) => name === "forwarded" || name.startsWith("x-forwarded-"));
