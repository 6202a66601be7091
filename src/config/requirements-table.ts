/** requirements.toml: which values of the configuration may be used on this machine. */
import { hostMatches } from "./host-pattern.ts";
import type { McpIdentity, NetworkRequirements, RequiredSandbox } from "./port.ts";
import { TableFields } from "./table-fields.ts";

const approvals = ["untrusted", "on-failure", "on-request", "granular", "never"] as const;

/** `granular`: any granular policy. */
export type RequiredApproval = (typeof approvals)[number];

/** Members as in the file; absent: no demand. */
export interface RequirementsTable {
  readonly allowed_approval_policies?: readonly RequiredApproval[];
  readonly allowed_approvals_reviewers?: readonly string[];
  readonly allowed_sandbox_modes?: readonly RequiredSandbox[];
  readonly allowed_permission_profiles?: Readonly<Record<string, boolean>>;
  readonly default_permissions?: string;
  readonly allowed_web_search_modes?: readonly string[];
  readonly allow_managed_hooks_only?: boolean;
  readonly allow_remote_control?: boolean;
  readonly allow_login_shell?: boolean;
  readonly enforce_residency?: string;
  readonly features?: Readonly<Record<string, boolean>>;
  readonly mcp_servers?: Readonly<Record<string, McpIdentity>>;
  readonly experimental_network?: NetworkRequirements;
}

const sandboxes = [
  "read-only",
  "workspace-write",
  "danger-full-access",
  "external-sandbox",
] as const;

/** `hostName`: asked for when a rule is for some hosts only. Throws `FieldError`. */
export function decodeRequirements(
  raw: Readonly<Record<string, unknown>>,
  hostName: () => string,
): RequirementsTable {
  const root = new TableFields(raw);
  const searches = root.strings("allowed_web_search_modes");
  return present({
    allowed_approval_policies: listOf(root, "allowed_approval_policies", approvals),
    allowed_approvals_reviewers: root.strings("allowed_approvals_reviewers"),
    allowed_sandbox_modes: sandboxModes(root, hostName),
    allowed_permission_profiles: switches(root, "allowed_permission_profiles"),
    default_permissions: root.string("default_permissions"),
    // what needs nothing is always allowed
    allowed_web_search_modes: searches && [...new Set([...searches, "disabled"])],
    allow_managed_hooks_only: root.boolean("allow_managed_hooks_only"),
    allow_remote_control: root.boolean("allow_remote_control"),
    allow_login_shell: root.boolean("allow_login_shell"),
    enforce_residency: root.string("enforce_residency"),
    features: switches(root, "features"),
    mcp_servers: mcpServers(root),
    experimental_network: networkRules(root),
  });
}

/** What managed_config.toml says is not only a setting: nobody may choose otherwise. */
export function demandsOf(raw: Readonly<Record<string, unknown>>): RequirementsTable {
  const root = new TableFields(raw);
  const policy = root.has("approval_policy") ? root.variant("approval_policy", approvals) : null;
  const mode = root.has("sandbox_mode") ? root.variant("sandbox_mode", sandboxes) : null;
  return present({
    allowed_approval_policies: policy && [policy],
    allowed_sandbox_modes: mode && [...new Set(["read-only" as const, mode])],
  });
}

/** The first rule for this host lays its modes over those of the file. */
function sandboxModes(
  root: TableFields,
  hostName: () => string,
): readonly RequiredSandbox[] | null {
  const rules = root.tableList("remote_sandbox_config").map((rule) => ({
    patterns: rule.required("hostname_patterns").strings("hostname_patterns") ?? [],
    modes: listOf(rule.required("allowed_sandbox_modes"), "allowed_sandbox_modes", sandboxes),
  }));
  const own = rules.find(({ patterns }) => hostMatches(patterns, hostName));
  const modes = own?.modes ?? listOf(root, "allowed_sandbox_modes", sandboxes);
  if (modes === null || modes.includes("read-only")) return modes;
  return root.fail(
    "allowed_sandbox_modes",
    "must include 'read-only' to allow any PermissionProfile",
  );
}

/** A list that allows nothing would stop the host for a slip of the pen. */
function listOf<const T extends string>(
  fields: TableFields,
  key: string,
  variants: readonly T[],
): readonly T[] | null {
  const list = fields.variants(key, variants);
  return list?.length === 0 ? fields.fail(key, `field \`${key}\` cannot be empty`) : list;
}

function switches(root: TableFields, key: string): Readonly<Record<string, boolean>> | null {
  if (!root.has(key)) return null;
  const table = root.table(key);
  return Object.fromEntries(table.keys().map((name) => [name, table.boolean(name) ?? false]));
}

function mcpServers(root: TableFields): Readonly<Record<string, McpIdentity>> | null {
  if (!root.has("mcp_servers")) return null;
  return Object.fromEntries(
    root.tables("mcp_servers").map(([name, server]) => {
      const identity = server.required("identity").table("identity");
      const [command, url] = [identity.string("command"), identity.string("url")];
      if (command !== null && url === null) return [name, { command }];
      if (url !== null && command === null) return [name, { url }];
      return server.fail("identity", "it must name either `command` or `url`");
    }),
  );
}

function networkRules(root: TableFields): NetworkRequirements | null {
  if (!root.has("experimental_network")) return null;
  const table = root.table("experimental_network");
  return present({
    enabled: table.boolean("enabled"),
    httpPort: table.count("http_port"),
    socksPort: table.count("socks_port"),
    allowUpstreamProxy: table.boolean("allow_upstream_proxy"),
    dangerouslyAllowNonLoopbackProxy: table.boolean("dangerously_allow_non_loopback_proxy"),
    dangerouslyAllowAllUnixSockets: table.boolean("dangerously_allow_all_unix_sockets"),
    domains: permissions(table, "domains", ["allowed_domains", "denied_domains"]),
    reviewDomains: table.strings("review_domains"),
    managedAllowedDomainsOnly: table.boolean("managed_allowed_domains_only"),
    unixSockets: permissions(table, "unix_sockets", ["allow_unix_sockets", undefined]),
    allowLocalBinding: table.boolean("allow_local_binding"),
  });
}

type Permission = "allow" | "deny";

/** A table of names, or the older lists of them; what is denied stays so. */
function permissions(
  table: TableFields,
  key: string,
  [allowKey, denyKey]: readonly [string, string | undefined],
): Readonly<Record<string, Permission>> | null {
  const named = table.table(key);
  const older = (list: string | undefined, to: Permission): [string, Permission][] =>
    list === undefined ? [] : (table.strings(list) ?? []).map((name) => [name, to]);
  const entries: [string, Permission][] = [
    ...older(allowKey, "allow"),
    ...named
      .keys()
      .map((name): [string, Permission] => [
        name,
        named.variant(name, ["allow", "deny"]) ?? "deny",
      ]),
    ...older(denyKey, "deny"),
  ];
  return entries.length === 0 && !table.has(key) ? null : Object.fromEntries(entries);
}

type Present<T> = { readonly [K in keyof T]?: NonNullable<T[K]> };

/** Without the members that are null. */
function present<T extends object>(table: T): Present<T> {
  const kept: Present<T> = {};
  return Object.assign(
    kept,
    Object.fromEntries(Object.entries(table).filter(([, value]) => value !== null)),
  );
}
