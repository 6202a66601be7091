/** What limits count by: an IPv4 address, mapped or not, or the /64 of an IPv6 address, which one subscriber has whole. */
export function networkOf(address: string): string {
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").length;
  const zeros = Array.from({ length: Math.max(missing, 0) }, () => "0");
  const first = [...groups, ...zeros, "0", "0", "0", "0"].slice(0, 4);
  return `${first.join(":")}::/64`;
}
