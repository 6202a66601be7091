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
import { profileOverrideOf } from "./permission-profile.ts";
import {
  MultiAgentMode,
  Personality,
  checkLoosening,
  environmentsOf,
  folderOf,
} from "./thread-settings.ts";

/** A stock client's collaboration mode; its settings take precedence over the plain members. */
const CollaborationMode = z.looseObject({
  settings: z.looseObject({
    model: z.string().nullish(),
    reasoning_effort: ReasoningEffort.nullish(),
    developer_instructions: z.string().nullish(),
  }),
});

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
  permissions: z.string().nullish(),
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
    effort:
      mode?.reasoning_effort === undefined ? (params.effort ?? undefined) : mode.reasoning_effort,
    summary: params.summary ?? undefined,
    approvalPolicy: params.approvalPolicy ?? undefined,
    sandboxPolicy: params.sandboxPolicy ?? undefined,
    ...profileOverrideOf(params.permissions, "sandboxPolicy", params.sandboxPolicy),
    environments: environmentsOf(params.environments),
    developerInstructions: mode?.developer_instructions ?? undefined,
  };
  checkLoosening(context, override);
  return override;
}
