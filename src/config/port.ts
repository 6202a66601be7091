import type { PermissionSettings } from "../permissions/configured-profile.ts";
import type { ShellEnvironmentPolicy } from "../permissions/shell-environment.ts";
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

/** `request_permissions_tool` and `exec_permission_approvals`. */
export interface PermissionTools {
  readonly isRequestable: boolean;
  readonly isPerCommand: boolean;
}

export type FeatureStage = "beta" | "underDevelopment" | "stable" | "deprecated" | "removed";

export type TrustLevel = "trusted" | "untrusted";

/** What config.toml and the command line say, defaults filled in. */
export interface Config extends PermissionSettings {
  readonly model: string | null;
  readonly modelProvider: string | null;
  readonly modelReasoningEffort: string | null;
  readonly modelReasoningSummary: string | null;
  /** Where OpenAI's backend for ChatGPT logins and agent identities is. */
  readonly chatgptBaseUrl: string;
  readonly providers: ReadonlyMap<string, ProviderConfig>;
  readonly approvalPolicy: ApprovalPolicy | null;
  readonly environmentPolicy: ShellEnvironmentPolicy;
  /** Absolute project folder -> trust level. */
  readonly projects: ReadonlyMap<string, TrustLevel>;
  /** Of the project that was asked about; null: nobody decided, or no folder was named. */
  readonly trustLevel: TrustLevel | null;
  readonly developerInstructions: string | null;
  /** How long a thread stays in memory that nobody watches and in which nothing goes on. */
  readonly threadUnloadDelayMs: number;
  readonly projectDocMaxBytes: number;
  readonly projectRootMarkers: readonly string[];
  /** `[features] goals`: whether threads may have goals. */
  readonly goals: boolean;
  /** `[features]`: whether the agent may ask for permissions, of its turn and for a single command. */
  readonly permissionTools: PermissionTools;
  /** All layers' tables, one over the other. */
  readonly raw: Readonly<Record<string, unknown>>;
  /** Of who chooses none: in a project that somebody marked as untrusted the agent may write, and asks for whatever it runs. */
  readonly defaultApprovalPolicy: ApprovalPolicy;
  readonly defaultSandboxMode: SandboxMode;
  /** What the machine's owner demands; the values here keep to it. */
  readonly requirements: Requirements;
  /** Sentences for people about what was left aside: of a project's own configuration, or because it is not allowed. */
  readonly notices: readonly string[];
}

export type RequiredSandbox = SandboxMode | "external-sandbox";

export type McpIdentity = { readonly command: string } | { readonly url: string };

export interface NetworkRequirements {
  readonly enabled?: boolean;
  readonly httpPort?: number;
  readonly socksPort?: number;
  readonly allowUpstreamProxy?: boolean;
  readonly dangerouslyAllowNonLoopbackProxy?: boolean;
  readonly dangerouslyAllowAllUnixSockets?: boolean;
  /** Host pattern -> what becomes of it. */
  readonly domains?: Readonly<Record<string, "allow" | "deny">>;
  /** Host patterns that a person is asked about before anything else. */
  readonly reviewDomains?: readonly string[];
  readonly managedAllowedDomainsOnly?: boolean;
  readonly unixSockets?: Readonly<Record<string, "allow" | "deny">>;
  readonly allowLocalBinding?: boolean;
}

/** Which values may be used on this machine. A fault is a sentence that names the value, what is allowed, and who says so. */
export interface Requirements {
  approvalFault(policy: ApprovalPolicy): string | undefined;
  sandboxFault(mode: RequiredSandbox): string | undefined;
  /** Of a named permission profile. */
  profileFault(id: string): string | undefined;
  featureFault(switches: Readonly<Record<string, boolean>>): string | undefined;
  /** What stands in for a policy that is not allowed. */
  readonly approvalFallback: ApprovalPolicy | undefined;
  readonly featurePins: ReadonlyMap<string, boolean>;
  readonly network: NetworkRequirements | undefined;
  /** False: there is a list of servers, and this one is not on it. */
  allowsMcpServer(name: string, server: Readonly<Record<string, unknown>>): boolean;
  /** As configRequirements/read answers; null: no demands. */
  readonly listing: Readonly<Record<string, unknown>> | null;
}

/** Where requirements come from that are on no disk of this machine. */
export interface RequirementsSource {
  /** TOML as in requirements.toml; undefined: there are none. Rejects when that is not known. */
  load(): Promise<string | undefined>;
}

/** What such a source said last. */
export interface CloudRequirements {
  /** The text, or undefined where there is none. Throws `ConfigError` until it is known, and when it is not. */
  text(): string | undefined;
}

/** config.toml cannot be read; `message` names file, line and column. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** A value of the wrong kind; `reason` and `key` as clients know them, without the place. */
export class ConfigValueError extends ConfigError {
  readonly reason: string;
  /** Dotted. */
  readonly key: string;

  constructor(
    message: string,
    { reason, key, cause }: { readonly reason: string; readonly key: string; cause?: unknown },
  ) {
    super(message, { cause });
    this.reason = reason;
    this.key = key;
  }
}

/** Which layer: the strongest is the machine's managed file, then `-c` flags, the project's folders from the inside, the user's, the machine's. */
export type ConfigLayerName =
  | { readonly type: "legacyManagedConfigTomlFromFile"; readonly file: string }
  | { readonly type: "sessionFlags" }
  | { readonly type: "project"; readonly dotCodexFolder: string }
  | { readonly type: "user"; readonly file: string; readonly profile: string | null }
  | { readonly type: "system"; readonly file: string };

/** Where a value came from. */
export interface ConfigOrigin {
  readonly name: ConfigLayerName;
  /** `sha256:` and the hash of the layer. */
  readonly version: string;
}

export interface ConfigLayer extends ConfigOrigin {
  readonly config: Readonly<Record<string, unknown>>;
  /** Why it does not count; null: it does. */
  readonly disabledReason: string | null;
}

/** The layers, strongest first, and the origin of each dotted key. */
export interface LayeredConfig {
  /** All that clients look for by name, with its default or null. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly layers: readonly ConfigLayer[];
  readonly origins: Readonly<Record<string, ConfigOrigin>>;
}

export interface FeatureListing {
  readonly name: string;
  readonly stage: FeatureStage;
  /** For people; null but in beta. */
  readonly displayName: string | null;
  readonly description: string | null;
  readonly enabled: boolean;
  readonly defaultEnabled: boolean;
}

export interface ConfigReader {
  /**
   * The configuration now; re-read when a file changed. `overrides`: dotted keys of one thread. `cwd`: the absolute folder that
   * work goes on in, whose project has a say too. Throws `ConfigError`.
   */
  read(overrides?: Readonly<Record<string, unknown>>, cwd?: string): Config;
  /** What the machine's owner demands, whatever the other layers say. Throws `ConfigError`. */
  requirements(): Requirements;
  /** What can be switched by name, as it is now; for work in `cwd`. Throws `ConfigError`. */
  features(cwd?: string): readonly FeatureListing[];
  /** Switches those of `wished` that can be switched while the host runs, until it ends; the configuration is stronger. Gives them. */
  switchFeatures(wished: Readonly<Record<string, boolean>>): Readonly<Record<string, boolean>>;
  /** The same by layer. Throws `ConfigError`. */
  layers(cwd?: string): LayeredConfig;
}

/** One change. `value` null: taken away. `upsert`: a table is laid over the one that is there. */
export interface ConfigEdit {
  /** Segments between dots; double quotes hold a segment's dots together. */
  readonly keyPath: string;
  readonly value: unknown;
  readonly mergeStrategy: "replace" | "upsert";
}

export interface ConfigChange {
  readonly edits: readonly ConfigEdit[];
  /** Undefined: the user's config.toml, which is the only one that is written. */
  readonly filePath: string | undefined;
  /** The version of the user's layer that the caller saw. */
  readonly expectedVersion: string | undefined;
}

export interface ConfigWritten {
  readonly version: string;
  readonly filePath: string;
  /** A stronger layer that says something else about one of the keys, and what. */
  readonly overridden: { readonly by: ConfigOrigin; readonly value: unknown } | undefined;
}

export interface ConfigEditor {
  /** All edits or none. Rejects with `ConfigWriteError`, with `ConfigError` when the file cannot be read, or with the system's error. */
  write(change: ConfigChange): Promise<ConfigWritten>;
  /** Marks the project of `cwd` as trusted if no layer says anything about it. False: one does. Rejects as `write`. */
  trust(cwd: string, overrides: Readonly<Record<string, unknown>>): Promise<boolean>;
}

/** A change of the configuration that is refused. The codes are those that clients know. */
export class ConfigWriteError extends Error {
  override readonly name = "ConfigWriteError";
  readonly code: "configLayerReadonly" | "configVersionConflict" | "configValidationError";

  constructor(code: ConfigWriteError["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
