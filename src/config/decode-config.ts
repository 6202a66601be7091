/** From merged tables to a `Config`, with the defaults that Codex documents for config.toml. */
import { homedir } from "node:os";
import { ApprovalPolicy } from "../protocol/settings.ts";
import { isRecord } from "../util/is-record.ts";
import { decodeEnvironmentPolicy } from "./environment-settings.ts";
import { defaultProviderLimits } from "./port.ts";
import type { Config, ProviderConfig } from "./port.ts";
import { noRequirements } from "./requirements.ts";
import { TableFields } from "./table-fields.ts";

const CHATGPT_BASE_URL = "https://chatgpt.com/backend-api/";
const THREAD_UNLOAD_DELAY_S = 30 * 60;
/** AGENTS.md text beyond this is cut. */
const PROJECT_DOC_MAX_BYTES = 32_768;
/** Codex refuses to retry more often than this, whatever config.toml says. */
const MAX_RETRIES_CAP = 100;

/** Those of a granular policy that have no default. */
const granularSwitches = ["sandbox_approval", "rules", "mcp_elicitations"];

const APPROVAL_VARIANTS = ["untrusted", "on-failure", "on-request", "granular", "never"];

/** What the tables themselves say; nothing about a project. Throws `FieldError` for a value of the wrong kind. */
export function decodeConfig(raw: Readonly<Record<string, unknown>>): Config {
  const root = new TableFields(raw);
  const workspace = root.table("sandbox_workspace_write");
  const features = root.table("features");
  refuseLegacyProfile(root);
  const providers = decodeProviders(root);
  return {
    model: root.string("model"),
    modelProvider: root.string("model_provider"),
    modelReasoningEffort: decodeEffort(root),
    modelReasoningSummary: root.variant("model_reasoning_summary", [
      "auto",
      "concise",
      "detailed",
      "none",
    ]),
    chatgptBaseUrl: root.string("chatgpt_base_url") ?? CHATGPT_BASE_URL,
    providers,
    approvalPolicy: decodeApprovalPolicy(root),
    sandboxMode: root.variant("sandbox_mode", [
      "read-only",
      "workspace-write",
      "danger-full-access",
    ]),
    defaultPermissions: root.string("default_permissions"),
    permissionTables: { tables: root.raw("permissions"), home: homedir() },
    workspaceWrite: {
      writableRoots: workspace.strings("writable_roots") ?? [],
      networkAccess: workspace.boolean("network_access") ?? false,
      excludeTmpdirEnvVar: workspace.boolean("exclude_tmpdir_env_var") ?? false,
      excludeSlashTmp: workspace.boolean("exclude_slash_tmp") ?? false,
    },
    environmentPolicy: decodeEnvironmentPolicy(root, providers),
    projects: decodeProjects(root),
    developerInstructions: root.string("developer_instructions"),
    threadUnloadDelayMs: (root.count("thread_unload_delay_secs") ?? THREAD_UNLOAD_DELAY_S) * 1000,
    projectDocMaxBytes: root.count("project_doc_max_bytes") ?? PROJECT_DOC_MAX_BYTES,
    projectRootMarkers: root.strings("project_root_markers") ?? [".git"],
    goals: features.boolean("goals") ?? true,
    permissionTools: {
      isRequestable: features.boolean("request_permissions_tool") ?? false,
      isPerCommand: features.boolean("exec_permission_approvals") ?? false,
    },
    raw,
    trustLevel: null,
    defaultApprovalPolicy: "on-request",
    defaultSandboxMode: "read-only",
    requirements: noRequirements,
    notices: [],
  };
}

function decodeEffort(root: TableFields): string | null {
  const effort = root.string("model_reasoning_effort");
  return effort === ""
    ? root.fail("model_reasoning_effort", "reasoning_effort must not be empty")
    : effort;
}

function whatIsMissing({ granular }: Readonly<Record<string, unknown>>): string {
  if (!isRecord(granular)) return "missing field `granular`";
  const missing = granularSwitches.find((name) => granular[name] === undefined);
  return missing === undefined
    ? "its switches must be true or false"
    : `missing field \`${missing}\``;
}

/** Profiles are files of their own now. */
function refuseLegacyProfile(root: TableFields): void {
  const profile = root.string("profile");
  if (profile === null) return;
  root.forbid(
    "profile",
    `legacy \`profile = "${profile}"\` config is no longer supported; use \`--profile ${profile}\` with \`${profile}.config.toml\` instead`,
  );
}

function decodeApprovalPolicy(root: TableFields): ApprovalPolicy | null {
  const value = root.raw("approval_policy");
  if (isRecord(value)) {
    const policy = ApprovalPolicy.safeParse(value);
    return policy.success ? policy.data : root.fail("approval_policy", whatIsMissing(value));
  }
  const policy = root.variant(
    "approval_policy",
    ["untrusted", "on-failure", "on-request", "never"],
    APPROVAL_VARIANTS,
  );
  if (policy === "untrusted")
    return root.forbid(
      "approval_policy",
      'approval_policy = "untrusted" is no longer supported; remove this setting',
    );
  return policy === "on-failure" ? "on-request" : policy;
}

function decodeProjects(root: TableFields): ReadonlyMap<string, "trusted" | "untrusted"> {
  const projects = new Map<string, "trusted" | "untrusted">();
  for (const [folder, fields] of root.tables("projects")) {
    const level = fields.variant("trust_level", ["trusted", "untrusted"]);
    if (level !== null) projects.set(folder, level);
  }
  return projects;
}

function decodeProviders(root: TableFields): ReadonlyMap<string, ProviderConfig> {
  const providers = new Map<string, ProviderConfig>();
  for (const [id, fields] of root.tables("model_providers")) {
    if (id === "openai")
      root.fail(
        "model_providers",
        "model_providers contains reserved built-in provider IDs: `openai`. Built-in providers cannot be overridden. " +
          "Rename your custom provider (for example, `openai-custom`).",
      );
    providers.set(id, decodeProvider(id, fields));
  }
  return providers;
}

function decodeProvider(id: string, fields: TableFields): ProviderConfig {
  const baseUrl = fields.string("base_url");
  const wireApi = fields.string("wire_api") ?? "responses";
  if (wireApi === "chat")
    fields.fail(
      "wire_api",
      '`wire_api = "chat"` is no longer supported. Set `wire_api = "responses"` for this provider.',
    );
  if (wireApi !== "responses")
    fields.fail("wire_api", `unknown variant \`${wireApi}\`, expected \`responses\``);
  const bearer = fields.string("experimental_bearer_token");
  return {
    id,
    name: fields.string("name") ?? id,
    baseUrl: (baseUrl ?? "").replace(/\/+$/, ""),
    wireApi,
    envKey: fields.string("env_key"),
    envKeyInstructions: fields.string("env_key_instructions"),
    requiresOpenaiAuth: fields.boolean("requires_openai_auth") ?? false,
    httpHeaders: {
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
      ...fields.stringMap("http_headers"),
    },
    envHttpHeaders: fields.stringMap("env_http_headers"),
    queryParams: fields.stringMap("query_params"),
    requestMaxRetries: retries(
      fields,
      "request_max_retries",
      defaultProviderLimits.requestMaxRetries,
    ),
    streamMaxRetries: retries(fields, "stream_max_retries", defaultProviderLimits.streamMaxRetries),
    streamIdleTimeoutMs:
      fields.count("stream_idle_timeout_ms") ?? defaultProviderLimits.streamIdleTimeoutMs,
  };
}

const retries = (fields: TableFields, key: string, fallback: number): number =>
  Math.min(fields.count(key) ?? fallback, MAX_RETRIES_CAP);
