import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/port.ts";
import { policyForMode } from "../permissions/sandbox-policy.ts";
import type { ApprovalPolicy } from "../protocol/settings.ts";
import type { TurnChoices } from "../protocol/turn-choices.ts";
import { noChoices } from "../protocol/turn-choices.ts";
import type { TurnSettings } from "../store/port.ts";
import { withChoices } from "./collaboration-modes.ts";
import type { SettingsOverride } from "./port.ts";

/** The settings in force in a thread. They change with turn/start and stay. */
export interface ThreadSettings extends TurnSettings {
  readonly baseInstructions: string | null;
  readonly developerInstructions: string | null;
  /** The named profile that the sandbox comes from. */
  readonly profileId: string | null;
  /** False: the tools that need a folder are not offered. */
  readonly hasEnvironment: boolean;
}

/** What a thread starts with when nobody says otherwise. */
export interface SettingsDefaults {
  /** For work in the thread's folder. */
  readonly config: Config;
  readonly cwd: string;
  readonly model: string;
  readonly modelProvider: string;
  readonly choices?: TurnChoices | undefined;
}

export function initialSettings(
  { config, cwd, model, modelProvider, choices }: SettingsDefaults,
  override: SettingsOverride,
): ThreadSettings {
  const folder = resolve(cwd, override.cwd ?? ".");
  const { cwd: _folder, ...rest } = override;
  return withOverride(
    {
      cwd: folder,
      model,
      modelProvider,
      effort: config.modelReasoningEffort,
      summary: config.modelReasoningSummary,
      approvalPolicy: config.approvalPolicy ?? defaultApproval(config),
      sandboxPolicy: policyForMode(
        config.sandboxMode ?? (config.trustLevel === null ? "read-only" : "workspace-write"),
        config.workspaceWrite,
      ),
      baseInstructions: null,
      developerInstructions: config.developerInstructions,
      profileId: null,
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
    ...sandboxAfter(settings, override),
    baseInstructions: override.baseInstructions ?? settings.baseInstructions,
    developerInstructions: override.developerInstructions ?? settings.developerInstructions,
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

/** A policy that no profile gave takes the profile away. */
const sandboxAfter = (
  { sandboxPolicy, profileId }: ThreadSettings,
  override: SettingsOverride,
): Pick<ThreadSettings, "sandboxPolicy" | "profileId"> =>
  override.sandboxPolicy
    ? { sandboxPolicy: override.sandboxPolicy, profileId: override.profileId ?? null }
    : { sandboxPolicy, profileId };

/** Whether a change of settings is none. */
export const sameSettings = (one: ThreadSettings, other: ThreadSettings): boolean =>
  isDeepStrictEqual(one, other);

/** The part that is stored with each turn. */
export function turnSettings(settings: ThreadSettings): TurnSettings {
  const { cwd, model, modelProvider, effort, summary, approvalPolicy, sandboxPolicy } = settings;
  return {
    cwd,
    model,
    modelProvider,
    effort,
    summary,
    approvalPolicy,
    sandboxPolicy,
    ...(settings.choices ? { choices: settings.choices } : {}),
  };
}

/** In a project that somebody marked as untrusted the agent may write, and asks for whatever it runs. */
const defaultApproval = ({ trustLevel }: Config): ApprovalPolicy =>
  trustLevel === "untrusted" ? "untrusted" : "on-request";
