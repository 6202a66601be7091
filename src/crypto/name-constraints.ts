/** The NameConstraints extension (RFC 5280, section 4.2.1.10): permitted subtrees of DNS names and addresses. */
import { BlockList, isIPv4, isIPv6 } from "node:net";

export const nameConstraintsOid = "2.5.29.30";

/**
 * Never routed on the public internet: loopback, RFC 1918, link-local, RFC 6598 (carrier and overlay
 * networks), unique local IPv6.
 */
const privateRanges = [
  { net: "127.0.0.0", bits: 8, family: "ipv4" },
  { net: "10.0.0.0", bits: 8, family: "ipv4" },
  { net: "172.16.0.0", bits: 12, family: "ipv4" },
  { net: "192.168.0.0", bits: 16, family: "ipv4" },
  { net: "169.254.0.0", bits: 16, family: "ipv4" },
  { net: "100.64.0.0", bits: 10, family: "ipv4" },
  { net: "::1", bits: 128, family: "ipv6" },
  { net: "fc00::", bits: 7, family: "ipv6" },
  { net: "fe80::", bits: 10, family: "ipv6" },
] as const;

const privateAddresses = new BlockList();
for (const { net, bits, family } of privateRanges) privateAddresses.addSubnet(net, bits, family);

/** Whether the address lies in a range that the certificates may name. */
export function isPrivateAddress(address: string): boolean {
  if (isIPv4(address)) return privateAddresses.check(address, "ipv4");
  return isIPv6(address) && !address.includes("%") && privateAddresses.check(address, "ipv6");
}

/** DER of the extension's value: these names (with all below them) and the private ranges, nothing else. */
export function permittedNames(dnsNames: readonly string[]): Buffer {
  const bases = [
    ...dnsNames.map(dnsName),
    ...privateRanges.map(({ net, bits }) => der(0x87, subnet(net, bits))),
  ];
  const subtrees = bases.map((base) => der(0x30, base));
  return der(0x30, der(0xa0, Buffer.concat(subtrees)));
}

/** Whether the value of an extension that `permittedNames` made names `name` itself. */
export const permitsName = (extensionValue: Uint8Array, name: string): boolean =>
  Buffer.from(extensionValue).includes(der(0x30, dnsName(name)));

const dnsName = (name: string): Buffer => der(0x82, Buffer.from(name, "ascii"));

/** Address and mask, 4 + 4 or 16 + 16 bytes. */
function subnet(net: string, bits: number): Buffer {
  const address = isIPv4(net) ? ipv4Bytes(net) : ipv6Bytes(net);
  const mask = address.map((_, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8));
    return (0xff << (8 - kept)) & 0xff;
  });
  return Buffer.from([...address, ...mask]);
}

const ipv4Bytes = (address: string): number[] => address.split(".").map(Number);

function ipv6Bytes(address: string): number[] {
  const [head = [], tail = []] = address
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return groups.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
