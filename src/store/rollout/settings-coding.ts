/** A turn's settings as a rollout's `turn_context` and `thread_settings_applied` lines spell them. */
import { isDeepStrictEqual } from "node:util";
import { ApprovalPolicy } from "../../protocol/settings.ts";
import type { TurnChoices } from "../../protocol/turn-choices.ts";
import { noChoices } from "../../protocol/turn-choices.ts";
import type { TurnSettings } from "../port.ts";
import { recordOf, textOf, textsOf } from "./members.ts";
import type { Json } from "./members.ts";
import { decodeProfile, encodeFileSystem, encodePolicy, encodeProfile } from "./profile-coding.ts";

const collaboration = ({ model, effort, choices = noChoices }: TurnSettings): Json => ({
  mode: choices.mode,
  settings: {
    model,
    reasoning_effort: effort,
    developer_instructions: choices.modeInstructions,
  },
});

const named = (member: string, value: string | null | undefined): Json =>
  value === null || value === undefined ? {} : { [member]: value };

export function encodeTurnContext(turnId: string, settings: TurnSettings): Json {
  const { cwd, permissionProfile } = settings;
  const fileSystem = encodeFileSystem(permissionProfile, cwd);
  return {
    turn_id: turnId,
    root_turn_id: turnId,
    disabled_plugin_ids: settings.choices?.disabledPluginIds ?? [],
    cwd,
    approval_policy: settings.approvalPolicy,
    approvals_reviewer: "user",
    permission_profile: encodeProfile(permissionProfile, cwd),
    model: settings.model,
    collaboration_mode: collaboration(settings),
    multi_agent_version: "v1",
    realtime_active: false,
    ...(settings.effort === null ? {} : { effort: settings.effort }),
    summary: settings.summary ?? "none",
    sandbox_policy: encodePolicy(permissionProfile),
    // the stock program leaves out what the policy beside it says in full
    ...(fileSystem && { file_system_sandbox_policy: fileSystem }),
  };
}

export const encodeSettingsApplied = (threadId: string, settings: TurnSettings): Json => ({
  type: "thread_settings_applied",
  thread_id: threadId,
  thread_settings: {
    model: settings.model,
    model_provider_id: settings.modelProvider,
    ...named("service_tier", settings.choices?.serviceTier),
    approval_policy: settings.approvalPolicy,
    approvals_reviewer: "user",
    requested_approvals_reviewer: "user",
    permission_profile: encodeProfile(settings.permissionProfile, settings.cwd),
    cwd: settings.cwd,
    runtime_workspace_roots: [settings.cwd],
    ...(settings.effort === null ? {} : { reasoning_effort: settings.effort }),
    ...(settings.summary === null ? {} : { reasoning_summary: settings.summary }),
    ...named("personality", settings.choices?.personality),
    collaboration_mode: collaboration(settings),
    disabled_plugin_ids: settings.choices?.disabledPluginIds ?? [],
  },
});

/** `context`: what came last of the two lines that name modes; a `turn_context` names neither tier nor personality. */
function choicesIn(context: Json, event: Json): Pick<TurnSettings, "choices"> {
  const applied = recordOf(event["thread_settings"]);
  const mode = recordOf(context["collaboration_mode"]);
  const choices: TurnChoices = {
    serviceTier: textOf(applied["service_tier"]),
    personality: textOf(applied["personality"]),
    disabledPluginIds: textsOf(context["disabled_plugin_ids"]),
    mode: mode["mode"] === "plan" ? "plan" : "default",
    modeInstructions: textOf(recordOf(mode["settings"])["developer_instructions"]),
  };
  return isDeepStrictEqual(choices, noChoices) ? {} : { choices };
}

/**
 * `provider` is the thread's last known one: a `turn_context` does not name it. `event`: the last
 * `thread_settings_applied`.
 */
export function decodeTurnContext(context: Json, provider: string, event: Json = {}): TurnSettings {
  const approval = ApprovalPolicy.safeParse(context["approval_policy"]);
  const inner = recordOf(recordOf(context["collaboration_mode"])["settings"]);
  const cwd = textOf(context["cwd"]) ?? "";
  return {
    cwd,
    model: textOf(context["model"]) ?? "",
    modelProvider: provider,
    effort: textOf(context["effort"]) ?? textOf(inner["reasoning_effort"]),
    summary: textOf(context["summary"]),
    approvalPolicy: approval.success ? approval.data : "on-request",
    permissionProfile: decodeProfile(context, cwd),
    ...choicesIn(context, event),
  };
}

/** What a `thread_settings_applied` event adds: the provider. */
export const providerOf = (event: Json): string | null =>
  textOf(recordOf(event["thread_settings"])["model_provider_id"]);

/** The settings after a `thread_settings_applied` event; the sandbox of the turn before it stays. */
export function withSettingsApplied(
  { choices: _before, ...settings }: TurnSettings,
  event: Json,
): TurnSettings {
  const applied = recordOf(event["thread_settings"]);
  const approval = ApprovalPolicy.safeParse(applied["approval_policy"]);
  return {
    ...settings,
    cwd: textOf(applied["cwd"]) ?? settings.cwd,
    model: textOf(applied["model"]) ?? settings.model,
    effort: textOf(applied["reasoning_effort"]),
    summary: textOf(applied["reasoning_summary"]) ?? settings.summary,
    approvalPolicy: approval.success ? approval.data : settings.approvalPolicy,
    ...choicesIn(applied, event),
  };
}
