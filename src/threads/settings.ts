import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Config, PermissionTools } from "../config/port.ts";
import { configuredPermissions } from "../permissions/configured-profile.ts";
import type { Permissions } from "../permissions/configured-profile.ts";
import { type NetworkSources, networkSources } from "../permissions/configured-network.ts";
import { withDeniesOf } from "../permissions/profile-algebra.ts";
import type { ShellEnvironmentPolicy } from "../permissions/shell-environment.ts";
import type { ActivePermissionProfile, PermissionProfile } from "../protocol/permission-profile.ts";
import type { TurnChoices } from "../protocol/turn-choices.ts";
import { noChoices } from "../protocol/turn-choices.ts";
import type { TurnSettings } from "../store/port.ts";
import { groundAt } from "../util/ground.ts";
import { withChoices } from "./collaboration-modes.ts";
import type { SettingsOverride } from "./port.ts";

/** The settings in force in a thread. They change with turn/start and stay. */
export interface ThreadSettings extends TurnSettings {
  readonly baseInstructions: string | null;
  readonly developerInstructions: string | null;
  /** The named profile that the permissions come from. */
  readonly activeProfile: ActivePermissionProfile | null;
  /** What the configuration gives the thread: whatever takes its place keeps what it denies. */
  readonly configuredProfile: PermissionProfile;
  readonly environmentPolicy: ShellEnvironmentPolicy;
  /** Where the rules of its commands' network come from. */
  readonly network: NetworkSources;
  readonly permissionTools: PermissionTools;
  /** False: the tools that need a folder are not offered. */
  readonly hasEnvironment: boolean;
}

/** What a thread starts with when nobody says otherwise. */
export interface SettingsDefaults {
  /** For work in the thread's folder. */
  readonly config: Config;
  /** The same without what the caller's own keys make of it: what it denies nobody takes back. */
  readonly configured: Config;
  readonly cwd: string;
  readonly model: string;
  readonly modelProvider: string;
  readonly choices?: TurnChoices | undefined;
}

export function initialSettings(
  { config, configured, cwd, model, modelProvider, choices }: SettingsDefaults,
  override: SettingsOverride,
): ThreadSettings {
  const folder = resolve(cwd, override.cwd ?? ".");
  const { profile, active } = configuredPermissions(config, config.defaultSandboxMode);
  const { cwd: _folder, ...rest } = override;
  return withOverride(
    {
      cwd: folder,
      model,
      modelProvider,
      effort: config.modelReasoningEffort,
      summary: config.modelReasoningSummary,
      approvalPolicy: config.approvalPolicy ?? config.defaultApprovalPolicy,
      permissionProfile: profile,
      activeProfile: active,
      configuredProfile: configuredPermissions(configured, configured.defaultSandboxMode).profile,
      permissionTools: config.permissionTools,
      baseInstructions: null,
      developerInstructions: config.developerInstructions,
      environmentPolicy: config.environmentPolicy,
      network: networkSources(config),
      hasEnvironment: true,
      ...(choices ? { choices } : {}),
    },
    rest,
  );
}

/** The settings after a caller's wishes; relative folders count from the present one. */
export function withOverride(settings: ThreadSettings, override: SettingsOverride): ThreadSettings {
  const [environment] = override.environments ?? [];
  const cwd = resolve(settings.cwd, environment?.cwd ?? override.cwd ?? ".");
  return {
    cwd,
    model: override.model ?? settings.model,
    modelProvider: override.modelProvider ?? settings.modelProvider,
    effort: override.effort === undefined ? settings.effort : override.effort,
    summary: override.summary ?? settings.summary,
    approvalPolicy: override.approvalPolicy ?? settings.approvalPolicy,
    ...permissionsAfter(settings, override.permissions, cwd),
    permissionTools: settings.permissionTools,
    baseInstructions: override.baseInstructions ?? settings.baseInstructions,
    developerInstructions: override.developerInstructions ?? settings.developerInstructions,
    environmentPolicy: settings.environmentPolicy,
    network: settings.network,
    hasEnvironment: override.environments
      ? override.environments.length > 0
      : settings.hasEnvironment,
    ...choicesAfter(settings, override),
  };
}

function choicesAfter(
  { choices }: ThreadSettings,
  { choices: wishes }: SettingsOverride,
): Pick<ThreadSettings, "choices"> {
  if (wishes) return { choices: withChoices(choices ?? noChoices, wishes) };
  return choices ? { choices } : {};
}

/** A profile that has no name takes the name away. */
function permissionsAfter(
  { permissionProfile, activeProfile, configuredProfile }: ThreadSettings,
  wish: Permissions | undefined,
  cwd: string,
): Pick<ThreadSettings, "permissionProfile" | "activeProfile" | "configuredProfile"> {
  const profile = wish?.profile ?? permissionProfile;
  return {
    permissionProfile: withDeniesOf(profile, configuredProfile, groundAt(cwd)),
    activeProfile: wish ? wish.active : activeProfile,
    configuredProfile,
  };
}

/** Whether a change of settings is none. */
export const sameSettings = (one: ThreadSettings, other: ThreadSettings): boolean =>
  isDeepStrictEqual(one, other);

/** The part that is stored with each turn. */
export function turnSettings(settings: ThreadSettings): TurnSettings {
  const { cwd, model, modelProvider, effort, summary, approvalPolicy, permissionProfile } =
    settings;
  return {
    cwd,
    model,
    modelProvider,
    effort,
    summary,
    approvalPolicy,
    permissionProfile,
    ...(settings.choices ? { choices: settings.choices } : {}),
  };
}
