import { resolve } from "node:path";
import { z } from "zod";
import { mayUnconfine } from "../protocol/host-policy.ts";
import type { Permissions } from "../permissions/configured-profile.ts";
import { isLooserNetwork, networkSources } from "../permissions/configured-network.ts";
import { isLooser } from "../permissions/configured-profile.ts";
import { isUnconfined, sameProfile } from "../permissions/profile-algebra.ts";
import type { Config } from "../config/port.ts";
import { ActivePermissionProfile, PermissionProfile } from "../protocol/permission-profile.ts";
import type { Context } from "../dispatch/context.ts";
import { deniedRequest, invalidRequest } from "../protocol/errors.ts";
import { mayAct } from "../protocol/principal.ts";
import {
  AbsolutePath,
  ApprovalPolicy,
  ApprovalsReviewer,
  ReasoningEffort,
  SandboxMode,
  SandboxPolicy,
} from "../protocol/settings.ts";
import type { TurnEnvironment } from "../protocol/settings.ts";
import { ThreadStream } from "../protocol/stream.ts";
import { Thread } from "../protocol/thread.ts";
import type { SettingsOverride, ThreadView } from "../threads/port.ts";
import { isRecord } from "../util/is-record.ts";
import { Personality, choicesOf } from "./turn-choices.ts";
import { groundAt } from "../util/ground.ts";
import {
  loaded,
  permissionParams,
  permissionsAnswer,
  permissionsOf,
  permissionsUnder,
} from "./permission-profile.ts";
import { checkFolder } from "./folder-check.ts";
import { checkRequirements } from "./required-settings.ts";

/** Deprecated; it has no effect. */
export const MultiAgentMode = z.union([
  z.enum(["explicitRequestOnly", "proactive"]),
  z.object({ custom: z.string() }),
]);

/** What thread/start and thread/resume take of settings. */
export const threadSettingsParams = {
  model: z.string().nullish(),
  modelProvider: z.string().nullish(),
  cwd: z.string().nullish(),
  approvalPolicy: ApprovalPolicy.nullish(),
  approvalsReviewer: ApprovalsReviewer.nullish(),
  sandbox: SandboxMode.nullish(),
  ...permissionParams,
  runtimeWorkspaceRoots: z.array(AbsolutePath).nullish(),
  serviceTier: z.string().nullish(),
  /** Not a member of thread/fork, where it is passed over. */
  personality: Personality.nullish(),
  config: z.record(z.string(), z.unknown()).nullish(),
  baseInstructions: z.string().nullish(),
  developerInstructions: z.string().nullish(),
};

/** What thread/start and thread/resume answer. */
export const threadSettingsResult = {
  thread: Thread,
  model: z.string(),
  modelProvider: z.string(),
  serviceTier: z.string().nullable(),
  disabledPluginIds: z.array(z.string()),
  cwd: z.string(),
  runtimeWorkspaceRoots: z.array(z.string()),
  /** The AGENTS.md files that the agent was given. */
  instructionSources: z.array(z.string()),
  approvalPolicy: ApprovalPolicy,
  approvalsReviewer: ApprovalsReviewer,
  /** The older view of the permissions: for showing. */
  sandbox: SandboxPolicy,
  permissionProfile: PermissionProfile.nullable(),
  activePermissionProfile: ActivePermissionProfile.nullable(),
  reasoningEffort: ReasoningEffort.nullable(),
  multiAgentMode: z.literal("explicitRequestOnly"),
  /** Farhelm's own: where the caller is in the thread's events, for those who count them. */
  stream: ThreadStream.optional(),
};

/** What deciding on wishes needs of a context. */
type Caller = Pick<Context, "config" | "principal" | "host">;

type SettingsParams = z.output<z.ZodObject<typeof threadSettingsParams>>;

/**
 * A caller's wishes; `config.model` and `config.model_reasoning_effort` count as named. One who may
 * only watch or approve changes nothing: what it asks for is passed over.
 */
export function overrideOf(context: Caller, params: SettingsParams): SettingsOverride {
  if (!mayAct(context.principal.role, "operator")) return {};
  const config = params.config ?? {};
  checkConfigKeys(context, config);
  const model = params.model ?? (config["model"] === null ? "" : textIn(config, "model"));
  if (model?.trim() === "") {
    throw invalidRequest(
      "No models are available. Set `model` explicitly or check your model catalog configuration.",
    );
  }
  const configured = (): Config => context.config.read(config);
  const override: SettingsOverride = {
    cwd: folderOf(context, params.cwd),
    model,
    modelProvider: params.modelProvider ?? textIn(config, "model_provider"),
    effort: textIn(config, "model_reasoning_effort"),
    approvalPolicy: params.approvalPolicy ?? undefined,
    baseInstructions: params.baseInstructions ?? undefined,
    developerInstructions: params.developerInstructions ?? undefined,
    choices: choicesOf(params),
    permissions: permissionsOf(params, configured) ?? permissionsIn(context, config),
  };
  checkRequirements(context, override);
  checkLoosening(context, override);
  checkFolder(context, override.cwd, override.permissions?.profile);
  return override;
}

/** A relative folder counts from the host's default one, wherever the thread works. */
export const folderOf = (
  { host }: Pick<Caller, "host">,
  cwd: string | null | undefined,
): string | undefined =>
  cwd === null || cwd === undefined ? undefined : resolve(host.defaultCwd, cwd);

/** Whether a caller names a model or an effort itself, in whichever member. */
export const choosesModel = (params: SettingsParams): boolean =>
  Boolean(params.model ?? params.modelProvider) ||
  ["model", "model_reasoning_effort"].some((key) => params.config?.[key] !== undefined);

/** Keys of config.toml that say how the agent talks, not what it may reach. Everybody who may start a thread may set them. */
const harmlessKeys: ReadonlySet<string> = new Set([
  "cloud",
  "model",
  "model_provider",
  "model_reasoning_effort",
  "model_reasoning_summary",
  "model_verbosity",
  "developer_instructions",
  "features",
  "hide_agent_reasoning",
  "include_apply_patch_tool",
  "project_doc_max_bytes",
  // what it loosens is looked at apart
  "sandbox_mode",
  "skills",
  "thread_unload_delay_secs",
  "tools",
  "web_search",
]);

/** A thread's own configuration reaches as far as config.toml: sandbox, endpoints, commands. That is an admin's to write. */
function checkConfigKeys({ principal }: Caller, config: Readonly<Record<string, unknown>>): void {
  if (mayAct(principal.role, "admin")) return;
  const key = Object.keys(config).find((name) => !isHarmless(name, config[name]));
  if (key === undefined) return;
  throw deniedRequest(
    "role",
    `setting \`${key}\` in a thread's config needs the role admin; this connection has ${principal.role}. Leave it out, or ask an admin to set it in config.toml.`,
  );
}

/** Taking away is harmless too: no servers, the narrowest permissions. */
function isHarmless(key: string, value: unknown): boolean {
  if (key === "mcp_servers") return isRecord(value) && Object.keys(value).length === 0;
  if (key === "default_permissions") return value === ":read-only";
  const isOfProxy =
    (key.startsWith("features.") && key.includes("network_proxy")) ||
    (key === "features" && isRecord(value) && Object.hasOwn(value, "network_proxy"));
  if (isOfProxy) return false;
  return harmlessKeys.has(key.split(".")[0] ?? "");
}

/** Taking away limits that config.toml sets is an admin's to do, whatever the call. */
export function checkLoosening(
  { principal, config, host }: Caller,
  override: SettingsOverride,
): void {
  const wish = override.permissions?.profile;
  if (mayUnconfine(principal.role, host.policy) || !wish) return;
  const ground = groundAt(override.cwd ?? host.defaultCwd);
  const profile = override.permissions?.active?.id ?? null;
  const isAllowed = (configured: Config): boolean =>
    !isLooser(wish, configured, ground) && !isLooserNetwork(networkSources(configured), profile);
  if (loaded(() => isAllowed(config.read()), "failed to load configuration")) return;
  const what = isUnconfined(wish)
    ? "running without a sandbox needs"
    : "more folders to write or more network than config.toml gives need";
  throw deniedRequest(
    "role",
    `${what} the role admin; this connection has ${principal.role}. Ask an admin, or leave the sandbox as it is configured.`,
  );
}

/** The folders of a caller's environments; this host has the one named `local`. */
export function environmentsOf(
  environments: readonly TurnEnvironment[] | null | undefined,
): SettingsOverride["environments"] {
  if (!environments) return undefined;
  const seen = new Set<string>();
  for (const { environmentId: id, cwd } of environments) {
    if (id !== "local") throw invalidRequest(`unknown turn environment id \`${id}\``);
    if (seen.has(id)) throw invalidRequest(`duplicate turn environment id \`${id}\``);
    seen.add(id);
    if (!cwd.startsWith("/")) {
      throw invalidRequest(
        `invalid cwd for environment \`${id}\`: path \`${cwd}\` does not use absolute POSIX or Windows path syntax`,
      );
    }
  }
  return environments.map(({ cwd }) => ({ cwd }));
}

/** The answer's members about settings. `countsEvents`: the caller is told where it is; stock clients are not. */
export function settingsAnswer(view: ThreadView, stream: ThreadStream, countsEvents: boolean) {
  const { thread } = view;
  return {
    ...(countsEvents && { stream }),
    // The events that come say what happened in them.
    thread: stream.outcome === "replayed" ? { ...thread, turns: [] } : thread,
    model: view.model,
    modelProvider: view.modelProvider,
    serviceTier: view.serviceTier,
    disabledPluginIds: [...view.disabledPluginIds],
    cwd: view.cwd,
    runtimeWorkspaceRoots: [view.cwd],
    instructionSources: [...view.instructionSources],
    approvalPolicy: view.approvalPolicy,
    approvalsReviewer: "user" as const,
    ...permissionsAnswer({ profile: view.permissionProfile, active: view.activeProfile }, view.cwd),
    reasoningEffort: view.effort,
    multiAgentMode: "explicitRequestOnly" as const,
  };
}

/** The permissions that a caller's own config keys ask for, if they are others than the configured ones. */
function permissionsIn(
  context: Caller,
  keys: Readonly<Record<string, unknown>>,
): Permissions | undefined {
  const asked = permissionsUnder(context.config.read(keys));
  const configured = permissionsUnder(context.config.read());
  return sameProfile(asked.profile, configured.profile) ? undefined : asked;
}

const textIn = (
  config: Readonly<Record<string, unknown>> | null | undefined,
  key: string,
): string | undefined => {
  const value = config?.[key];
  return typeof value === "string" ? value : undefined;
};
