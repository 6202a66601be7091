/** A turn's settings as a rollout's `turn_context` and `thread_settings_applied` lines spell them. */
import { isDeepStrictEqual } from "node:util";
import { ApprovalPolicy } from "../../protocol/settings.ts";
import type { SandboxPolicy } from "../../protocol/settings.ts";
import type { TurnChoices } from "../../protocol/turn-choices.ts";
import { noChoices } from "../../protocol/turn-choices.ts";
import { unreachable } from "../../util/unreachable.ts";
import type { TurnSettings } from "../port.ts";
import { recordOf, textOf, textsOf } from "./members.ts";
import type { Json } from "./members.ts";

const kebab = {
  dangerFullAccess: "danger-full-access",
  readOnly: "read-only",
  externalSandbox: "external-sandbox",
  workspaceWrite: "workspace-write",
} as const;

function encodeSandbox(policy: SandboxPolicy): Json {
  const type = kebab[policy.type];
  switch (policy.type) {
    case "dangerFullAccess":
      return { type };
    case "readOnly":
      return policy.networkAccess ? { type, network_access: true } : { type };
    case "externalSandbox":
      return { type, network_access: policy.networkAccess };
    case "workspaceWrite":
      return {
        type,
        ...(policy.writableRoots.length > 0 ? { writable_roots: policy.writableRoots } : {}),
        network_access: policy.networkAccess,
        exclude_tmpdir_env_var: policy.excludeTmpdirEnvVar,
        exclude_slash_tmp: policy.excludeSlashTmp,
      };
    default:
      return unreachable(policy);
  }
}

/** The stored policy, or the most careful one where it is missing or unknown. */
export function decodeSandbox(stored: unknown): SandboxPolicy {
  const policy = recordOf(stored);
  const network = policy["network_access"];
  // The oldest files call the type a mode, or have nothing else.
  switch (policy["type"] ?? policy["mode"] ?? stored) {
    case "danger-full-access":
      return { type: "dangerFullAccess" };
    case "external-sandbox":
      return {
        type: "externalSandbox",
        networkAccess: network === "enabled" ? "enabled" : "restricted",
      };
    case "workspace-write":
      return {
        type: "workspaceWrite",
        writableRoots: textsOf(policy["writable_roots"]),
        networkAccess: network === true,
        excludeTmpdirEnvVar: policy["exclude_tmpdir_env_var"] === true,
        excludeSlashTmp: policy["exclude_slash_tmp"] === true,
      };
    default:
      return { type: "readOnly", networkAccess: network === true };
  }
}

const special = (kind: string, access: string): Json => ({
  path: { type: "special", value: { kind } },
  access,
});
const folder = (path: string, access: string): Json => ({ path: { type: "path", path }, access });
const keptReadOnly = [".git", ".agents", ".codex", ".aws"];

function fileEntries(policy: SandboxPolicy, cwd: string): Json[] {
  const entries = [special("root", "read")];
  if (policy.type !== "workspaceWrite") return entries;
  entries.push(folder(cwd, "write"));
  if (!policy.excludeSlashTmp) entries.push(special("slash_tmp", "write"));
  if (!policy.excludeTmpdirEnvVar) entries.push(special("tmpdir", "write"));
  for (const name of keptReadOnly) {
    entries.push({ ...folder(`${cwd}/${name}`, "read"), missing_path_behavior: "skip" });
  }
  entries.push(...policy.writableRoots.map((root) => folder(root, "write")));
  return entries;
}

function encodeProfile(policy: SandboxPolicy, cwd: string): Json {
  if (policy.type === "dangerFullAccess") return { type: "disabled" };
  if (policy.type === "externalSandbox") return { type: "external", network: policy.networkAccess };
  return {
    type: "managed",
    file_system: { type: "restricted", entries: fileEntries(policy, cwd) },
    network: policy.networkAccess ? "enabled" : "restricted",
  };
}

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
  const { cwd, sandboxPolicy } = settings;
  return {
    turn_id: turnId,
    root_turn_id: turnId,
    disabled_plugin_ids: settings.choices?.disabledPluginIds ?? [],
    cwd,
    approval_policy: settings.approvalPolicy,
    approvals_reviewer: "user",
    permission_profile: encodeProfile(sandboxPolicy, cwd),
    model: settings.model,
    collaboration_mode: collaboration(settings),
    multi_agent_version: "v1",
    realtime_active: false,
    ...(settings.effort === null ? {} : { effort: settings.effort }),
    summary: settings.summary ?? "none",
    sandbox_policy: encodeSandbox(sandboxPolicy),
    ...(sandboxPolicy.type === "workspaceWrite"
      ? {
          file_system_sandbox_policy: {
            kind: "restricted",
            entries: fileEntries(sandboxPolicy, cwd),
          },
        }
      : {}),
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
    permission_profile: encodeProfile(settings.sandboxPolicy, settings.cwd),
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
  return {
    cwd: textOf(context["cwd"]) ?? "",
    model: textOf(context["model"]) ?? "",
    modelProvider: provider,
    effort: textOf(context["effort"]) ?? textOf(inner["reasoning_effort"]),
    summary: textOf(context["summary"]),
    approvalPolicy: approval.success ? approval.data : "on-request",
    sandboxPolicy: decodeSandbox(context["sandbox_policy"]),
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
