/** Requirements as configRequirements/read answers them: every demand that clients know, null where there is none. */
import type { NetworkRequirements, Requirements } from "./port.ts";
import type { RequirementsTable } from "./requirements-table.ts";

type Listing = Readonly<Record<string, unknown>>;

export function requirementsListing(
  demanded: <K extends keyof RequirementsTable>(key: K) => RequirementsTable[K] | undefined,
  { featurePins, network }: Pick<Requirements, "featurePins" | "network">,
): Listing {
  return {
    ...nulls,
    // every way to log in that this host knows
    allowedLoginMethods: ["api", "chatgpt"],
    allowedApprovalPolicies: demanded("allowed_approval_policies") ?? null,
    allowedApprovalsReviewers: demanded("allowed_approvals_reviewers") ?? null,
    // the sandbox of an outer program is nothing that a client can choose by this name
    allowedSandboxModes:
      demanded("allowed_sandbox_modes")?.filter((mode) => mode !== "external-sandbox") ?? null,
    allowedPermissionProfiles: demanded("allowed_permission_profiles") ?? null,
    defaultPermissions: demanded("default_permissions") ?? null,
    allowedWebSearchModes: demanded("allowed_web_search_modes") ?? null,
    allowManagedHooksOnly: demanded("allow_managed_hooks_only") ?? null,
    allowRemoteControl: demanded("allow_remote_control") ?? null,
    allowLoginShell: demanded("allow_login_shell") ?? null,
    enforceResidency: demanded("enforce_residency") ?? null,
    featureRequirements: featurePins.size === 0 ? null : Object.fromEntries(featurePins),
    network: network ? networkListing(network) : null,
  };
}

function networkListing(network: NetworkRequirements): Listing {
  const { domains, unixSockets } = network;
  return {
    enabled: network.enabled ?? null,
    httpPort: network.httpPort ?? null,
    socksPort: network.socksPort ?? null,
    allowUpstreamProxy: network.allowUpstreamProxy ?? null,
    dangerouslyAllowNonLoopbackProxy: network.dangerouslyAllowNonLoopbackProxy ?? null,
    dangerouslyAllowAllUnixSockets: network.dangerouslyAllowAllUnixSockets ?? null,
    domains: domains ?? null,
    reviewDomains: network.reviewDomains ?? null,
    managedAllowedDomainsOnly: network.managedAllowedDomainsOnly ?? null,
    allowedDomains: named(domains, "allow"),
    deniedDomains: named(domains, "deny"),
    unixSockets: unixSockets ?? null,
    allowUnixSockets: named(unixSockets, "allow"),
    allowLocalBinding: network.allowLocalBinding ?? null,
  };
}

/** The names that have this permission; null: there is none. */
function named(
  permissions: Readonly<Record<string, string>> | undefined,
  wanted: string,
): readonly string[] | null {
  const names = Object.entries(permissions ?? {}).flatMap(([name, permission]) =>
    permission === wanted ? [name] : [],
  );
  return names.length === 0 ? null : names;
}

const nulls: Listing = Object.fromEntries(
  `
  modelProvider modelProviders cliAuthCredentialsStore chatgptBaseUrl additionalDeveloperInstructions
  allowedWindowsSandboxImplementations allowBrowserAndComputerUse allowAppshots computerUse browserUse
  inAppBrowser hooks application autoReview models sqliteHome logDir modelCatalogJson
  checkForUpdateOnStartup feedback otel
`
    .trim()
    .split(/\s+/)
    .map((name) => [name, null]),
);
