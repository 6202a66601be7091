/** `[features]`: what can be switched on and off by name. */
import { isRecord } from "../util/is-record.ts";
import type { FeatureListing, FeatureStage } from "./port.ts";

interface FeatureFlag {
  readonly name: string;
  readonly stage: FeatureStage;
  readonly defaultEnabled: boolean;
  /** Whether experimentalFeature/enablement/set may switch it, until the host ends. */
  readonly atRuntime: boolean;
  /** For people; beta flags alone have one. */
  readonly displayName?: string;
  readonly description?: string;
}

const flag = (
  name: string,
  stage: FeatureStage,
  defaultEnabled: boolean,
  atRuntime = false,
): FeatureFlag => ({ name, stage, defaultEnabled, atRuntime });

/** The flags that mean something to this host or to the clients that ask it. In the order in which they are listed. */
const featureFlags: readonly FeatureFlag[] = [
  flag("shell_tool", "stable", true),
  flag("unified_exec", "stable", true),
  flag("unified_exec_tty", "stable", true),
  flag("view_image", "stable", true),
  flag("shell_snapshot", "stable", true),
  flag("memories", "stable", false, true),
  flag("hooks", "stable", true),
  flag("exec_permission_approvals", "underDevelopment", false),
  flag("request_permissions_tool", "underDevelopment", false),
  flag("api_key_model_discovery", "stable", true, true),
  flag("unbounded_connection_retries", "stable", true),
  {
    ...flag("network_proxy", "beta", false),
    displayName: "Network proxy",
    description: "Lets sandboxed commands reach chosen hosts through a proxy of this machine.",
  },
  flag("auth_elicitation", "stable", true, true),
  flag("tool_suggest", "stable", true, true),
  flag("plugins", "stable", true),
  flag("remote_plugin", "stable", true, true),
  flag("skill_search", "stable", true),
  flag("mentions_v2", "stable", true, true),
  flag("goals", "stable", true),
  flag("reasoning_effort_override", "stable", true),
  flag("collaboration_modes", "removed", true),
  flag("personality", "removed", false),
  flag("remote_control", "removed", false, true),
];

/** The table `[features]` of `raw`, as far as it holds switches: some are tables with one, `enabled`. */
export function switchesIn(
  raw: Readonly<Record<string, unknown>>,
): Readonly<Record<string, boolean>> {
  const table = raw["features"];
  if (!isRecord(table)) return {};
  return Object.fromEntries(
    Object.entries(table).flatMap(([name, value]) => {
      const enabled = isRecord(value) ? value["enabled"] : value;
      return typeof enabled === "boolean" ? [[name, enabled]] : [];
    }),
  );
}

type Switches = Readonly<Record<string, boolean>>;

/** What decides on a flag, from strong to weak: the machine's owner, the configuration, a switch of this run, the default. */
export interface FlagSources {
  readonly pins: ReadonlyMap<string, boolean>;
  readonly raw: Readonly<Record<string, unknown>>;
  readonly atRuntime: Switches;
}

export function flagListing({ pins, raw, atRuntime }: FlagSources): readonly FeatureListing[] {
  const configured = switchesIn(raw);
  return featureFlags.map(({ name, stage, defaultEnabled, displayName, description }) => ({
    name,
    stage,
    displayName: displayName ?? null,
    description: description ?? null,
    enabled: pins.get(name) ?? configured[name] ?? atRuntime[name] ?? defaultEnabled,
    defaultEnabled,
  }));
}

/** Those of `wished` that can be switched while the host runs. */
export const switchable = (wished: Switches): Switches =>
  Object.fromEntries(
    featureFlags.flatMap(({ name, atRuntime }) => {
      const value = Object.hasOwn(wished, name) ? wished[name] : undefined;
      return atRuntime && value !== undefined ? [[name, value]] : [];
    }),
  );

/** The flags that clients look for in the configuration, as they are now. */
export function shownFlags(sources: FlagSources): Switches {
  const names = new Set(featureFlags.flatMap(({ name, atRuntime }) => (atRuntime ? [name] : [])));
  const shown = flagListing(sources).filter(({ name }) => names.has(name));
  return Object.fromEntries(shown.map(({ name, enabled }) => [name, enabled]));
}
