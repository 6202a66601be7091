/** Who is at the other end, as far as it can be believed. The only reader of forwarding headers. */
import type { IncomingMessage } from "node:http";
import { isIP, isIPv6 } from "node:net";

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

/** What limits are counted by: the address, or the /64 of an IPv6 address, which one peer owns whole. */
export function limitKey(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").length;
  return [...groups, ...Array.from({ length: Math.max(missing, 0) }, () => "0"), "0", "0", "0", "0"]
    .slice(0, 4)
    .join(":");
}

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
