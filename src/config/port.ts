import type { ApprovalPolicy, SandboxMode } from "../protocol/settings.ts";

/** A model provider as config.toml describes it (`[model_providers.ID]`). */
export interface ProviderConfig {
  readonly id: string;
  readonly name: string;
  readonly baseUrl: string;
  readonly wireApi: string;
  readonly envKey: string | null;
  readonly envKeyInstructions: string | null;
  readonly requiresOpenaiAuth: boolean;
  readonly httpHeaders: Readonly<Record<string, string>>;
  /** Header name -> environment variable. */
  readonly envHttpHeaders: Readonly<Record<string, string>>;
  readonly queryParams: Readonly<Record<string, string>>;
  readonly requestMaxRetries: number;
  readonly streamMaxRetries: number;
  readonly streamIdleTimeoutMs: number;
}

/** The limits of a provider that sets none of its own, as Codex documents them. */
export const defaultProviderLimits = {
  requestMaxRetries: 4,
  streamMaxRetries: 5,
  streamIdleTimeoutMs: 300_000,
} as const;

export interface WorkspaceWriteConfig {
  readonly writableRoots: readonly string[];
  readonly networkAccess: boolean;
  readonly excludeTmpdirEnvVar: boolean;
  readonly excludeSlashTmp: boolean;
}

/** What config.toml and the command line say, defaults filled in. */
export interface Config {
  readonly model: string | null;
  readonly modelProvider: string | null;
  readonly modelReasoningEffort: string | null;
  readonly modelReasoningSummary: string | null;
  /** Where OpenAI's backend for ChatGPT logins and agent identities is. */
  readonly chatgptBaseUrl: string;
  readonly providers: ReadonlyMap<string, ProviderConfig>;
  readonly approvalPolicy: ApprovalPolicy | null;
  readonly sandboxMode: SandboxMode | null;
  readonly workspaceWrite: WorkspaceWriteConfig;
  /** Absolute project folder -> trust level. */
  readonly projects: ReadonlyMap<string, "trusted" | "untrusted">;
  readonly developerInstructions: string | null;
  /** How long a thread stays in memory that nobody watches and in which nothing goes on. */
  readonly threadUnloadDelayMs: number;
  readonly projectDocMaxBytes: number;
  readonly projectRootMarkers: readonly string[];
  /** `[features] goals`: whether threads may have goals. */
  readonly goals: boolean;
  /** The file's tables as they stand, after `-c` overrides. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** config.toml cannot be read; `message` names file, line and column. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** A dotted key and where its value came from. */
export interface ConfigOrigin {
  readonly name:
    | { readonly type: "user"; readonly file: string; readonly profile: null }
    | { readonly type: "system"; readonly file: string }
    | { readonly type: "sessionFlags" };
  /** `sha256:` and the hash of the layer. */
  readonly version: string;
}

export interface ConfigLayer extends ConfigOrigin {
  readonly config: Readonly<Record<string, unknown>>;
}

export interface ConfigReader {
  /** The configuration now; re-read when the file changed. `overrides`: dotted keys of one thread. Throws `ConfigError`. */
  read(overrides?: Readonly<Record<string, unknown>>): Config;
  /** The same by layer, strongest first, and per dotted key. */
  layers(): {
    readonly layers: readonly ConfigLayer[];
    readonly origins: Readonly<Record<string, ConfigOrigin>>;
  };
}
