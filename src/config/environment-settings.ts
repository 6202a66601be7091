/** `[shell_environment_policy]`: which variables the agent's commands see. */
import type { ShellEnvironmentPolicy } from "../permissions/shell-environment.ts";
import { isRecord } from "../util/is-record.ts";
import { emptyTable } from "./dotted-key.ts";
import type { ProviderConfig } from "./port.ts";
import type { TableFields } from "./table-fields.ts";

type Table = Readonly<Record<string, unknown>>;

const policyKey = "shell_environment_policy";

export function decodeEnvironmentPolicy(
  root: TableFields,
  providers: ReadonlyMap<string, ProviderConfig>,
): ShellEnvironmentPolicy {
  const table = root.table(policyKey);
  // it has no effect: commands run in a login shell unless the agent wants none
  table.boolean("experimental_use_profile");
  const filters = decodeFilters(table);
  if (table.has("filters") && (table.has("exclude") || table.has("include_only")))
    root.forbid(policyKey, "cannot mix `filters` with legacy `exclude` or `include_only`");
  const named = (kind: "include" | "exclude"): readonly string[] =>
    filters.filter((filter) => filter.kind === kind).map(({ pattern }) => pattern);
  return {
    inherit: table.variant("inherit", ["core", "all", "none"]) ?? "all",
    ignoreDefaultExcludes: table.boolean("ignore_default_excludes") ?? false,
    exclude: table.strings("exclude") ?? named("exclude"),
    set: table.stringMap("set"),
    includeOnly: table.strings("include_only") ?? named("include"),
    secretNames: [...secretNamesIn(providers), ...bearerNamesIn(root.raw("mcp_servers"))],
  };
}

interface Filter {
  readonly pattern: string;
  readonly kind: "include" | "exclude";
}

function decodeFilters(table: TableFields): readonly Filter[] {
  const fields = table.table("filters");
  const seen = new Set<string>();
  return fields.keys().flatMap((pattern) => {
    const folded = pattern.toLowerCase();
    if (seen.has(folded))
      table.fail("filters", `duplicate shell environment filter \`${folded}\` ignoring case`);
    seen.add(folded);
    const kind = fields.variant(pattern, ["include", "exclude"]);
    return kind === null ? [] : [{ pattern, kind }];
  });
}

const secretNamesIn = (providers: ReadonlyMap<string, ProviderConfig>): readonly string[] =>
  [...providers.values()].flatMap(({ envKey, envHttpHeaders }) => [
    ...(envKey === null ? [] : [envKey]),
    ...Object.values(envHttpHeaders),
  ]);

function bearerNamesIn(servers: unknown): readonly string[] {
  if (!isRecord(servers)) return [];
  return Object.values(servers).flatMap((server) => {
    const name = isRecord(server) ? server["bearer_token_env_var"] : undefined;
    return typeof name === "string" ? [name] : [];
  });
}

/**
 * What is left of `base` under a layer that names patterns: patterns come as lists or as `filters`, and whoever writes
 * the one form replaces the other. Of `filters` the same pattern in another case is the same.
 */
export function withoutDisplaced(base: Table, over: Table): Table {
  const [below, above] = [base[policyKey], over[policyKey]];
  if (!isRecord(below) || !isRecord(above)) return base;
  const kept = Object.assign(emptyTable(), below);
  if ("filters" in above) {
    delete kept["exclude"];
    delete kept["include_only"];
    const [weaker, stronger] = [kept["filters"], above["filters"]];
    if (isRecord(weaker) && isRecord(stronger)) kept["filters"] = unlike(weaker, stronger);
  } else if ("exclude" in above || "include_only" in above) {
    delete kept["filters"];
  }
  return Object.assign(emptyTable(), base, { [policyKey]: kept });
}

function unlike(weaker: Table, stronger: Table): Table {
  const names = new Set(Object.keys(stronger).map((name) => name.toLowerCase()));
  const kept = Object.entries(weaker).filter(([name]) => !names.has(name.toLowerCase()));
  return Object.assign(emptyTable(), Object.fromEntries(kept));
}
