/** Names and addresses of hosts, spelled in the one way in which rules compare them, and which addresses are everybody's. */
import { BlockList, isIP } from "node:net";

export interface Target {
  /** Lower case, in ASCII, without a last dot or brackets; an address in its usual form. */
  readonly host: string;
  readonly port: number;
}

/** Labels of a name; underscores occur in names that are no host names by the book. */
const namePattern = /^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/;
const maxNameLength = 253;

/** `host` or `host:port` as a URL or CONNECT has it; undefined where that makes no sense. */
export function targetOf(authority: string, defaultPort: number): Target | undefined {
  const host = hostOf(authority.replace(/:\d*$/, ""));
  const port = Number(/:(?<port>\d+)$/.exec(authority)?.groups?.["port"] ?? defaultPort);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

/** A URL's host, however it is spelled: `0x7f.1` is 127.0.0.1. Undefined: it is none. */
export function hostOf(text: string): string | undefined {
  if (!/^[^\s/?#@\\:]+$|^\[[0-9a-fA-F:.]+\]$/.test(text)) return undefined;
  const spelled = URL.canParse(`http://${text}/`) ? new URL(`http://${text}/`).hostname : "";
  const host = spelled.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (isIP(host) !== 0) return host;
  return host.length <= maxNameLength && namePattern.test(host) ? host : undefined;
}

/** What the registries of special addresses (RFC 6890 and its successors) keep from the Internet. */
const special4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const;
/** Within 2000::/3, outside of which nothing is everybody's: tunnels carry an address of version 4 that nobody sees. */
const special6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

const special = new BlockList();
for (const [net, prefix] of special4) special.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of special6) special.addSubnet(net, prefix, "ipv6");
const everybodys6 = new BlockList();
everybodys6.addSubnet("2000::", 3, "ipv6");
const linkLocal = new BlockList();
linkLocal.addSubnet("169.254.0.0", 16, "ipv4");
linkLocal.addSubnet("fe80::", 10, "ipv6");

/** Version 4 in version 6: mapped (RFC 4291), or behind a translator of the network (RFC 6052). */
const carrying = /^(?:::ffff:|64:ff9b::)(?<high>[0-9a-f]{1,4}):(?<low>[0-9a-f]{1,4})$/;

/** The address that is meant: one of version 4 where version 6 only carries it. */
export function plainAddress(address: string): string {
  if (isIP(address) !== 6 || address.includes("%")) return address;
  const host = hostOf(`[${address}]`) ?? address;
  const { high, low } = carrying.exec(host)?.groups ?? {};
  if (high === undefined || low === undefined) return host;
  const bytes = [high, low].flatMap((word) => {
    const value = Number.parseInt(word, 16);
    return [value >> 8, value & 0xff];
  });
  return bytes.join(".");
}

/** Whether it is one of the Internet, rather than of this machine, its network or a special one. */
export function isPublicAddress(address: string): boolean {
  const plain = plainAddress(address);
  const family = isIP(plain);
  if (family === 4) return !special.check(plain, "ipv4");
  // an address with a zone is one of a network next to this machine
  if (family !== 6 || plain.includes("%")) return false;
  return everybodys6.check(plain, "ipv6") && !special.check(plain, "ipv6");
}

/** Reached by nobody but neighbours: there clouds answer with a machine's own keys. */
export function isLinkLocal(address: string): boolean {
  const plain = plainAddress(address);
  return linkLocal.check(plain.split("%")[0] ?? "", isIP(plain) === 4 ? "ipv4" : "ipv6");
}
