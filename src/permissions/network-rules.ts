/** Which hosts a command may reach through the proxy. */
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { hostOf, isLinkLocal, isPublicAddress, plainAddress } from "./host-address.ts";

/**
 * Patterns: `example.com` that host, `*.example.com` every name below it, `**.example.com` both, `*` every host;
 * stars and question marks elsewhere stand for characters of a name.
 */
export interface NetworkRules {
  readonly allowed: readonly string[];
  /** Stronger than all the others. */
  readonly denied: readonly string[];
  /** A person is asked about these even where they are allowed. */
  readonly reviewed: readonly string[];
  /** Whether allowed hosts may lie on this machine and in its network. Without it only those that are named by address, or as `localhost`. */
  readonly allowsLocal: boolean;
  /** Requests that only read: GET, HEAD and OPTIONS. What is in a tunnel cannot be seen, so there is none. */
  readonly readsOnly: boolean;
  /** Nobody is asked about a host that no rule names: it is refused. */
  readonly isClosed: boolean;
}

/** `local`: on this machine or in its network. `unknown`: a person may be asked. */
export type HostVerdict = "allowed" | "denied" | "local" | "unknown";

/** `host` as `hostOf` spells it. */
export function judgeHost(host: string, rules: NetworkRules): HostVerdict {
  if (rules.denied.some((pattern) => matches(pattern, host, anyCharacters))) return "denied";
  if (isLocalName(host) && !rules.allowsLocal && !isNamed(host, rules)) return "local";
  if (rules.reviewed.some((pattern) => matches(pattern, host, anyCharacters))) return "unknown";
  const isAllowed = rules.allowed.some((pattern) => matches(pattern, host, ownCharacters));
  return isAllowed ? "allowed" : "unknown";
}

/** Whether `host`, which may be reached, may be reached at this address: names can lead anywhere. */
export function judgeAddress(address: string, host: string, rules: NetworkRules): HostVerdict {
  const plain = plainAddress(address);
  if (rules.denied.some((pattern) => matches(pattern, plain, anyCharacters))) return "denied";
  if (isPublicAddress(plain)) return "allowed";
  const isOwn = isIP(host) !== 0 || isLocalhost(host);
  if (isOwn) return isNamed(host, rules) || rules.allowsLocal ? "allowed" : "local";
  return rules.allowsLocal && !isLinkLocal(plain) ? "allowed" : "local";
}

/** Undefined: the pattern can match something. A rule that never matches would protect nobody. */
export function patternFault(pattern: string): string | undefined {
  return shapeOf(pattern) === undefined
    ? `\`${pattern}\` is no pattern of hosts: write a name as example.com, *.example.com or **.example.com, or an address, without scheme, port and path`
    : undefined;
}

/** A host that a person answered about. */
export function withHost(
  rules: NetworkRules,
  host: string,
  action: "allow" | "deny",
): NetworkRules {
  return action === "deny"
    ? { ...rules, denied: [...rules.denied, host] }
    : { ...rules, allowed: [...rules.allowed, host] };
}

/** Whether nothing can be reached by `inner` that cannot by `outer`; patterns are compared as they are written. */
export const isWithinRules = (inner: NetworkRules, outer: NetworkRules): boolean =>
  inner.allowed.every((pattern) => outer.allowed.includes(pattern)) &&
  outer.denied.every((pattern) => inner.denied.includes(pattern)) &&
  outer.reviewed.every((pattern) => inner.reviewed.includes(pattern)) &&
  (outer.allowsLocal || !inner.allowsLocal) &&
  (inner.readsOnly || !outer.readsOnly) &&
  (inner.isClosed || !outer.isClosed);

const isLocalhost = (host: string): boolean => host === "localhost" || host.endsWith(".localhost");

const isLocalName = (host: string): boolean =>
  isLocalhost(host) || (isIP(host) !== 0 && !isPublicAddress(host));

/** By itself, not by a pattern that it falls under. */
const isNamed = (host: string, { allowed }: NetworkRules): boolean =>
  allowed.some((pattern) => shapeOf(pattern)?.rest === host && !/[*?]/.test(pattern));

interface Shape {
  readonly prefix: "" | "*." | "**.";
  readonly rest: string;
}

function shapeOf(pattern: string): Shape | undefined {
  const trimmed = pattern.trim();
  const prefix = trimmed.startsWith("**.") ? "**." : trimmed.startsWith("*.") ? "*." : "";
  const rest = trimmed.slice(prefix.length).replace(/\.$/, "");
  if (/[*?]/.test(rest)) {
    const spelled = domainToASCII(rest.replaceAll("*", "0").replaceAll("?", "0"));
    const isPattern = spelled !== "" && /^[^\s/?#@\\:[\]]+$/.test(rest.replaceAll("?", "0"));
    return isPattern ? { prefix, rest: rest.toLowerCase() } : undefined;
  }
  const host = hostOf(isIP(rest) === 6 ? `[${rest}]` : rest);
  return host === undefined ? undefined : { prefix, rest: host };
}

/** What is allowed stays within a label of the name; what is denied is not got around by a dot. */
const ownCharacters = { many: "[^.]*", one: "[^.]" };
const anyCharacters = { many: ".*", one: "." };

function matches(pattern: string, host: string, characters: typeof anyCharacters): boolean {
  const shape = shapeOf(pattern);
  if (!shape) return false;
  const { prefix, rest } = shape;
  if (rest === "*") return true;
  const body = rest.replaceAll(/[.*?]/g, (found) =>
    found === "." ? String.raw`\.` : found === "*" ? characters.many : characters.one,
  );
  const start = { "": "", "*.": String.raw`.+\.`, "**.": String.raw`(?:.+\.)?` }[prefix];
  return new RegExp(`^${start}${body}$`).test(host);
}
