/** What the machine's owner demands, from several sources: each demand comes from the strongest source that has it. */
import type { ApprovalPolicy } from "../protocol/settings.ts";
import { isRecord } from "../util/is-record.ts";
import type { RequiredSandbox, Requirements } from "./port.ts";
import type { RequiredApproval, RequirementsTable } from "./requirements-table.ts";
import { requirementsListing } from "./requirements-listing.ts";

/** One source, read and checked. */
export interface RequirementsLayer {
  /** For people: a path, or what the source is called. */
  readonly source: string;
  readonly table: RequirementsTable;
}

type Key = keyof RequirementsTable;

interface Rule<T> {
  readonly value: T;
  readonly source: string;
}

/** `layers`: strongest first. */
export function mergeRequirements(layers: readonly RequirementsLayer[]): Requirements {
  return new MergedRequirements(layers);
}

class MergedRequirements implements Requirements {
  readonly #layers: readonly RequirementsLayer[];
  /** By name: a weaker source may pin what a stronger one leaves open. */
  readonly #pins: ReadonlyMap<string, Rule<boolean>>;
  readonly network: Requirements["network"];
  readonly listing: Requirements["listing"];

  constructor(layers: readonly RequirementsLayer[]) {
    this.#layers = layers;
    this.#pins = new Map(
      layers
        .toReversed()
        .flatMap(({ source, table }) =>
          Object.entries(table.features ?? {}).map(
            ([name, value]): readonly [string, Rule<boolean>] => [name, { value, source }],
          ),
        ),
    );
    const networks = layers.flatMap(({ table }) => table.experimental_network ?? []);
    this.network =
      networks.length === 0
        ? undefined
        : networks.toReversed().reduce((below, above) => ({ ...below, ...above }));
    const isEmpty = layers.every(({ table }) => Object.keys(table).length === 0);
    this.listing = isEmpty ? null : requirementsListing((key) => this.#rule(key)?.value, this);
  }

  get featurePins(): ReadonlyMap<string, boolean> {
    return new Map([...this.#pins].map(([name, { value }]) => [name, value]));
  }

  get approvalFallback(): ApprovalPolicy | undefined {
    const allowed = this.#rule("allowed_approval_policies")?.value ?? [];
    return allowed.map(policyOf).find((policy) => policy !== undefined);
  }

  approvalFault(policy: ApprovalPolicy): string | undefined {
    const rule = this.#rule("allowed_approval_policies");
    const name = (typeof policy === "string" && approvalNames[policy]) || approvalNames.granular;
    const names = rule?.value.map((allowed) => approvalNames[allowed]) ?? [];
    return !rule || names.includes(name)
      ? undefined
      : fault("approval_policy", name, names, rule.source);
  }

  sandboxFault(mode: RequiredSandbox): string | undefined {
    const rule = this.#rule("allowed_sandbox_modes");
    if (!rule || rule.value.includes(mode)) return undefined;
    const names = rule.value.map((allowed) => sandboxNames[allowed]);
    return fault("sandbox_mode", sandboxNames[mode], names, rule.source);
  }

  profileFault(id: string): string | undefined {
    const rule = this.#rule("allowed_permission_profiles");
    if (!rule || rule.value[id] === true) return undefined;
    const names = Object.keys(rule.value).filter((name) => rule.value[name]);
    return fault("default_permissions", id, names, rule.source);
  }

  featureFault(switches: Readonly<Record<string, boolean>>): string | undefined {
    for (const [name, enabled] of Object.entries(switches)) {
      const pin = this.#pins.get(name);
      if (pin && pin.value !== enabled) {
        const wished = `features.${name}=${enabled}`;
        return fault("features", wished, [`${name}=${pin.value}`], pin.source);
      }
    }
    return undefined;
  }

  allowsMcpServer(name: string, server: Readonly<Record<string, unknown>>): boolean {
    const rule = this.#rule("mcp_servers");
    if (!rule) return true;
    const identity = Object.hasOwn(rule.value, name) ? rule.value[name] : undefined;
    if (!identity) return false;
    return "command" in identity
      ? server["command"] === identity.command && server["url"] === undefined
      : server["url"] === identity.url && server["command"] === undefined;
  }

  #rule<K extends Key>(key: K): Rule<NonNullable<RequirementsTable[K]>> | undefined {
    for (const { source, table } of this.#layers) {
      const value = table[key];
      if (value !== undefined && value !== null) return { value, source };
    }
    return undefined;
  }
}

/** Names as clients know them from such sentences. */
const sandboxNames: Readonly<Record<RequiredSandbox, string>> = {
  "read-only": "ReadOnly",
  "workspace-write": "WorkspaceWrite",
  "danger-full-access": "DangerFullAccess",
  "external-sandbox": "ExternalSandbox",
};
const approvalNames: Readonly<Record<RequiredApproval, string>> = {
  untrusted: "UnlessTrusted",
  "on-failure": "OnRequest",
  "on-request": "OnRequest",
  granular: "Granular",
  never: "Never",
};

/** A granular policy has switches, which a list does not say. */
function policyOf(allowed: RequiredApproval): ApprovalPolicy | undefined {
  if (allowed === "granular") return undefined;
  return allowed === "on-failure" ? "on-request" : allowed;
}

const fault = (field: string, wished: string, allowed: readonly string[], source: string): string =>
  `invalid value for \`${field}\`: \`${wished}\` is not in the allowed set [${allowed.join(", ")}] (set by ${source})`;

export const noRequirements: Requirements = mergeRequirements([]);

/** The tables of `raw` as far as they are allowed: servers that are on no list are switched off. */
export function allowedTables(
  raw: Readonly<Record<string, unknown>>,
  requirements: Requirements,
): Readonly<Record<string, unknown>> {
  const servers = raw["mcp_servers"];
  if (!isRecord(servers)) return raw;
  const shut = Object.entries(servers).filter(
    ([name, server]) => isRecord(server) && !requirements.allowsMcpServer(name, server),
  );
  if (shut.length === 0) return raw;
  const off = shut.map(([name, server]) => [name, { ...Object(server), enabled: false }]);
  return { ...raw, mcp_servers: { ...servers, ...Object.fromEntries(off) } };
}
