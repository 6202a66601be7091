/**
 * The rules of the network proxy, as the configuration and the machine's owner give them. A profile's switch says whether commands have a
 * network at all; the feature `network_proxy`, or the owner, whether it is behind the proxy.
 */
import { z } from "zod";
import { isRecord } from "../util/is-record.ts";
import { ProfileError } from "./named-profile.ts";
import { isWithinRules, patternFault, type NetworkRules } from "./network-rules.ts";

/** What the machine's owner demands of the network; absent: nothing. */
export interface RequiredNetwork {
  readonly enabled?: boolean;
  readonly domains?: Readonly<Record<string, "allow" | "deny">>;
  readonly reviewDomains?: readonly string[];
  /** What others allow does not count, and nobody is asked. */
  readonly managedAllowedDomainsOnly?: boolean;
  readonly allowLocalBinding?: boolean;
}

/** Where rules come from. */
export interface NetworkSources {
  /** `[permissions]`. */
  readonly tables: unknown;
  /** The profile that the configuration gives: what it denies, nobody may who works under another one. */
  readonly standard: string | null;
  /** `features.network_proxy`: a switch, or a table of rules for every profile. */
  readonly feature: unknown;
  /** The owner's word on the feature. */
  readonly pin: boolean | undefined;
  readonly required: RequiredNetwork | undefined;
}

interface Configured {
  readonly defaultPermissions: string | null;
  readonly raw: Readonly<Record<string, unknown>>;
  readonly requirements: {
    readonly featurePins: ReadonlyMap<string, boolean>;
    readonly network: RequiredNetwork | undefined;
  };
}

export function networkSources(config: Configured): NetworkSources {
  const { raw, requirements, defaultPermissions: standard } = config;
  const { permissions: tables, features } = raw;
  return {
    tables,
    standard,
    feature: isRecord(features) ? features["network_proxy"] : undefined,
    pin: requirements.featurePins.get("network_proxy"),
    required: requirements.network,
  };
}

const Domains = z.record(z.string(), z.enum(["allow", "deny", "none"]));
/** The lists are the older spelling of `domains`. */
const NetworkTable = z.looseObject({
  enabled: z.boolean().optional(),
  mode: z.enum(["full", "limited"]).optional(),
  domains: Domains.optional(),
  allowed_domains: z.array(z.string()).optional(),
  denied_domains: z.array(z.string()).optional(),
  allow_local_binding: z.boolean().optional(),
});
type NetworkTable = z.infer<typeof NetworkTable>;

/**
 * `profile`: the name of the one that is in force, null where it has none. Undefined: what network there is, is behind no proxy.
 * Throws `ProfileError` where a rule makes no sense: without it more might be reached than somebody wanted.
 */
export function networkRules(
  sources: NetworkSources,
  profile: string | null,
): NetworkRules | undefined {
  const { feature, tables, standard, required } = sources;
  const own = tableAt(isRecord(feature) ? feature : undefined, "features.network_proxy");
  if (!isOn(sources, own)) return undefined;
  const layers = [...tablesOf(tables, profile), own];
  return checked(rulesOf(layers, tablesOf(tables, standard), required ?? {}));
}

const isOn = ({ feature, pin, required }: NetworkSources, { enabled }: NetworkTable): boolean =>
  (pin ?? (typeof feature === "boolean" ? feature : enabled)) === true ||
  required?.enabled === true;

/** `layers`: weakest first; `standing`: those of the configured profile. */
function rulesOf(
  layers: readonly NetworkTable[],
  standing: readonly NetworkTable[],
  required: RequiredNetwork,
): NetworkRules {
  const domains = layers.flatMap(domainsOf);
  const demanded = Object.entries(required.domains ?? {});
  const isClosed = required.managedAllowedDomainsOnly ?? false;
  const denied = [domains, standing.flatMap(domainsOf), demanded];
  return {
    allowed: [...(isClosed ? [] : patterns(domains, "allow")), ...patterns(demanded, "allow")],
    denied: [...new Set(denied.flatMap((each) => patterns(each, "deny")))],
    reviewed: required.reviewDomains ?? [],
    allowsLocal: required.allowLocalBinding ?? last(layers, "allow_local_binding") ?? false,
    readsOnly: last(layers, "mode") === "limited",
    isClosed,
  };
}

/** Whether work under `profile` could reach more than under the configured one. Throws `ProfileError`. */
export function isLooserNetwork(sources: NetworkSources, profile: string | null): boolean {
  const configured = networkRules(sources, sources.standard);
  const wished = networkRules(sources, profile);
  return configured !== undefined && wished !== undefined && !isWithinRules(wished, configured);
}

/** Those of which the last word is `wanted`. */
const patterns = (domains: readonly Domain[], wanted: "allow" | "deny"): readonly string[] =>
  [...new Map(domains)].flatMap(([pattern, access]) => (access === wanted ? [pattern] : []));

/** What the strongest table says. */
const last = <K extends keyof NetworkTable>(
  tables: readonly NetworkTable[],
  key: K,
): NetworkTable[K] => tables.findLast((table) => table[key] !== undefined)?.[key];

/** A profile's own after those that it builds on. */
function tablesOf(tables: unknown, profile: string | null): readonly NetworkTable[] {
  const found: NetworkTable[] = [];
  const seen = new Set<string>();
  for (let id = profile; id !== null && !seen.has(id);) {
    seen.add(id);
    const table = isRecord(tables) && Object.hasOwn(tables, id) ? tables[id] : undefined;
    if (!isRecord(table)) break;
    found.unshift(tableAt(table["network"], `permissions.${id}.network`));
    const { extends: parent } = table;
    id = typeof parent === "string" ? parent : null;
  }
  return found;
}

function tableAt(value: unknown, key: string): NetworkTable {
  const table = NetworkTable.safeParse(value ?? {});
  if (table.success) return table.data;
  throw new ProfileError(`\`${key}\` is invalid: ${z.prettifyError(table.error)}`);
}

type Domain = readonly [pattern: string, access: "allow" | "deny" | "none"];

const domainsOf = ({
  allowed_domains: allowed = [],
  denied_domains: denied = [],
  domains = {},
}: NetworkTable): readonly Domain[] => [
  ...allowed.map((pattern): Domain => [pattern, "allow"]),
  ...Object.entries(domains),
  ...denied.map((pattern): Domain => [pattern, "deny"]),
];

function checked(rules: NetworkRules): NetworkRules {
  for (const pattern of [...rules.allowed, ...rules.denied, ...rules.reviewed]) {
    const fault = patternFault(pattern);
    if (fault !== undefined) throw new ProfileError(fault);
  }
  return rules;
}
