/** The effective configuration as config/read shows it: every setting that clients look for by name, with its default or null, and none that nobody knows. */
import { isRecord } from "../util/is-record.ts";
import type { FlagSources } from "./feature-flags.ts";
import { shownFlags } from "./feature-flags.ts";

type Table = Readonly<Record<string, unknown>>;

export function effectiveTable(sources: FlagSources): Record<string, unknown> {
  const { raw } = sources;
  const shown: Record<string, unknown> = {};
  for (const key of unset) shown[key] = raw[key] ?? null;
  for (const [key, value] of Object.entries(defaults)) shown[key] = raw[key] ?? value;
  for (const [key, members] of Object.entries(tables)) {
    const value = raw[key];
    if (isRecord(value)) shown[key] = { ...members, ...value };
  }
  for (const [key, members] of Object.entries(tablesByName)) {
    const value = raw[key];
    shown[key] = isRecord(value) ? eachWith(value, members) : {};
  }
  shown["features"] = { ...tableIn(raw, "features"), ...shownFlags(sources) };
  return shown;
}

const eachWith = (table: Table, members: Table): Table =>
  Object.fromEntries(
    Object.entries(table).map(([name, value]) => [
      name,
      isRecord(value) ? { ...members, ...value } : value,
    ]),
  );

const tableIn = (raw: Table, key: string): Table => {
  const value = raw[key];
  return isRecord(value) ? value : {};
};

const nulls = (...keys: readonly string[]): Table =>
  Object.fromEntries(keys.map((key) => [key, null]));

/** Null where nobody sets them. */
const unset = `
  model review_model model_provider model_context_window oss_provider
  model_auto_compact_token_limit model_auto_compact_token_limit_scope
  model_post_turn_compact_threshold_percent model_catalog_json model_verbosity
  model_reasoning_effort model_reasoning_summary plan_mode_reasoning_effort
  model_instructions_file instructions developer_instructions compact_prompt approval_policy
  approvals_reviewer sandbox_mode sandbox_workspace_write default_permissions permissions
  forced_chatgpt_workspace_id forced_login_method web_search client_search_provider tools
  tool_suggest tool_output_token_limit service_tier analytics apps browser_use computer_use
  desktop personality profile projects hooks notify skills memories goals agents notice otel
  feedback windows audio realtime cloud daybreak orchestrator tui auto_review ghost_snapshot
  log_dir sqlite_home openai_base_url apps_mcp_product_sku responses_api_metadata
  disable_paste_burst show_raw_agent_reasoning suppress_unstable_features_warning
  thread_unload_delay_secs check_for_update_on_startup allow_symlinked_codex_home
  js_repl_node_path js_repl_node_module_dirs experimental_compact_prompt_file
  experimental_use_unified_exec_tool experimental_thread_store
  experimental_thread_store_endpoint experimental_realtime_ws_base_url
  experimental_realtime_webrtc_call_base_url experimental_realtime_ws_model
  experimental_realtime_ws_backend_prompt experimental_realtime_ws_startup_context
  experimental_realtime_start_instructions mcp_enterprise_managed_auth mcp_oauth_callback_port
  mcp_oauth_callback_url mcp_optional_startup_grace_ms
`
  .trim()
  .split(/\s+/);

const defaults: Table = {
  allow_login_shell: true,
  background_terminal_max_timeout: 300_000,
  chatgpt_base_url: "https://chatgpt.com/backend-api/",
  cli_auth_credentials_store: "file",
  file_opener: "vscode",
  hide_agent_reasoning: false,
  history: { persistence: "save-all", max_bytes: null },
  include_apps_instructions: true,
  include_collaboration_mode_instructions: true,
  include_environment_context: true,
  include_environment_context_time: true,
  include_permissions_instructions: true,
  marketplaces: {},
  mcp_oauth_credentials_store: "auto",
  plugins: {},
  profiles: {},
  project_doc_fallback_filenames: [],
  project_doc_max_bytes: 32_768,
  project_root_markers: [".git"],
  shell_environment_policy: {
    inherit: null,
    ignore_default_excludes: null,
    exclude: null,
    set: null,
    include_only: null,
    filters: null,
    experimental_use_profile: null,
  },
};

/** Members of tables that somebody set in part. */
const tables: Readonly<Record<string, Table>> = {
  history: { persistence: "save-all", max_bytes: null },
  sandbox_workspace_write: {
    writable_roots: [],
    network_access: false,
    exclude_tmpdir_env_var: false,
    exclude_slash_tmp: false,
  },
  shell_environment_policy: nulls(
    "inherit",
    "ignore_default_excludes",
    "exclude",
    "set",
    "include_only",
    "filters",
    "experimental_use_profile",
  ),
};

/** The same for each entry of tables whose names people choose. */
const tablesByName: Readonly<Record<string, Table>> = {
  mcp_servers: { args: [], environment_id: "local", enabled: true, tool_timeout_sec: null },
  model_providers: {
    ...nulls("auth", "aws", "base_url", "capabilities", "credential_file", "env_http_headers"),
    ...nulls("env_key", "env_key_instructions", "experimental_bearer_token", "gateway_oauth"),
    ...nulls("http_headers", "location", "model_catalog_url", "name", "project_id"),
    ...nulls("query_params", "request_max_retries", "stream_idle_timeout_ms"),
    ...nulls("stream_max_retries", "websocket_connect_timeout_ms"),
    requires_openai_auth: false,
    supports_standalone_web_search: false,
    supports_websockets: false,
    wire_api: "responses",
  },
};
