/** The settings that turn/start and thread/settings/update take. */
import { z } from "zod";
import type { Context } from "../dispatch/context.ts";
import {
  ApprovalPolicy,
  ApprovalsReviewer,
  ReasoningEffort,
  ReasoningSummary,
  SandboxPolicy,
  TurnEnvironment,
} from "../protocol/settings.ts";
import type { SettingsOverride } from "../threads/port.ts";
import { plainWorkspace, profileForMode } from "../permissions/legacy-policy.ts";
import { checkFolder } from "./folder-check.ts";
import { CollaborationMode, Personality, choicesOf } from "./turn-choices.ts";
import { permissionParams, permissionsOf } from "./permission-profile.ts";
import { checkRequirements } from "./required-settings.ts";
import { MultiAgentMode, checkLoosening, environmentsOf, folderOf } from "./thread-settings.ts";

export const turnSettingsParams = {
  cwd: z.string().nullish(),
  model: z.string().nullish(),
  effort: ReasoningEffort.nullish(),
  summary: ReasoningSummary.nullish(),
  approvalPolicy: ApprovalPolicy.nullish(),
  approvalsReviewer: ApprovalsReviewer.nullish(),
  serviceTier: z.string().nullish(),
  personality: Personality.nullish(),
  disabledPluginIds: z.array(z.string()).nullish(),
  multiAgentMode: MultiAgentMode.nullish(),
  sandboxPolicy: SandboxPolicy.nullish(),
  ...permissionParams,
  environments: z.array(TurnEnvironment).nullish(),
  collaborationMode: CollaborationMode.nullish(),
};

/** A caller's wishes. A collaboration mode without an effort asks for the model's own. */
export function turnOverrideOf(
  context: Context,
  params: z.output<z.ZodObject<typeof turnSettingsParams>>,
): SettingsOverride {
  const mode = params.collaborationMode?.settings;
  const override: SettingsOverride = {
    cwd: folderOf(context, params.cwd),
    model: mode?.model ?? params.model ?? undefined,
    effort: mode ? (mode.reasoning_effort ?? null) : (params.effort ?? undefined),
    summary: params.summary ?? undefined,
    approvalPolicy: params.approvalPolicy ?? undefined,
    permissions: permissionsOf(params, () => context.config.read()),
    environments: environmentsOf(params.environments),
    choices: choicesOf(params),
  };
  checkRequirements(context, override);
  checkLoosening(context, override);
  // the thread's own permissions may be wider than what is configured
  const profile =
    override.permissions?.profile ?? profileForMode("workspace-write", plainWorkspace);
  for (const { cwd } of [override, ...(override.environments ?? [])])
    checkFolder(context, cwd, profile);
  return override;
}
