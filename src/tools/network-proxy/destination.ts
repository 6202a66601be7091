/** Where a command may go: a host by its name, and then the addresses that the name leads to now. */
import { isIP, type LookupFunction } from "node:net";
import { networkInterfaces } from "node:os";
import type { Target } from "../../permissions/host-address.ts";
import { isPublicAddress, plainAddress } from "../../permissions/host-address.ts";
import { judgeAddress, judgeHost, type NetworkRules } from "../../permissions/network-rules.ts";
import { unreachable } from "../../util/unreachable.ts";
import type { CommandNetwork, HostAnswer, HostQuestion } from "../port.ts";
import { addressesOf } from "./name-lookup.ts";
import { NetworkRefusal } from "./refusal.ts";

export interface Guide extends CommandNetwork {
  /** Every address of a name; the machine's own resolver where absent. */
  readonly resolve?: ((host: string) => Promise<readonly string[]>) | undefined;
}

/** Connects to the addresses that were judged, and asks no resolver again. */
export interface Destination extends Target {
  readonly lookup: LookupFunction;
}

/** Rejects with `NetworkRefusal`. */
export async function destinationOf(
  question: HostQuestion,
  guide: Guide,
  signal: AbortSignal,
): Promise<Destination> {
  const { host, port } = question;
  const rules = guide.rules();
  await admit(question, guide, rules, signal);
  const found = isIP(host) === 0 ? await resolved(host, guide) : [host];
  const own = ownAddresses();
  // a name must not lead to this machine by its address in a network either
  const verdicts = found.map((address) => {
    const verdict = judgeAddress(address, host, rules);
    const isHere = isIP(host) === 0 && !rules.allowsLocal && own.has(plainAddress(address));
    return { address, verdict: isHere && isPublicAddress(address) ? "local" : verdict };
  });
  const open = verdicts.flatMap(({ address, verdict }) => (verdict === "allowed" ? [address] : []));
  if (open.length === 0) {
    const isDenied = verdicts.some(({ verdict }) => verdict === "denied");
    throw new NetworkRefusal(isDenied ? "network_host_denied" : "network_address_local");
  }
  return { host, port, lookup: lookupOf(open) };
}

async function admit(
  question: HostQuestion,
  guide: Guide,
  rules: NetworkRules,
  signal: AbortSignal,
): Promise<void> {
  const verdict = judgeHost(question.host, rules);
  switch (verdict) {
    case "allowed":
      return;
    case "denied":
      throw new NetworkRefusal("network_host_denied");
    case "local":
      throw new NetworkRefusal("network_address_local");
    case "unknown":
      return refuseUnless(rules.isClosed ? "closed" : await guide.ask(question, signal));
    default:
      return unreachable(verdict);
  }
}

function refuseUnless(answer: HostAnswer): void {
  switch (answer) {
    case "allowed":
      return;
    case "declined":
      throw new NetworkRefusal("network_host_declined");
    case "unanswered":
      throw new NetworkRefusal("network_host_unanswered");
    case "closed":
      throw new NetworkRefusal("network_host_unlisted");
    default:
      return unreachable(answer);
  }
}

async function resolved(
  host: string,
  { resolve = addressesOf }: Guide,
): Promise<readonly string[]> {
  try {
    return await resolve(host);
  } catch (error) {
    throw new NetworkRefusal("network_unreachable", error);
  }
}

function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return new Set(all.map(({ address }) => plainAddress(address)));
}

/** Answers with these addresses alone, in the two ways in which sockets ask. */
function lookupOf(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_, options, done) => {
    const [first] = all;
    if (options.all) done(null, all);
    else done(null, first?.address ?? "", first?.family ?? 0);
  };
}
