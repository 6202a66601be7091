/** Which providers and models there are: built in, configured, and found on this machine. */
import { randomBytes } from "node:crypto";
import type { Accounts } from "../accounts/port.ts";
import type { Config, ConfigReader, ProviderConfig } from "../config/port.ts";
import { localProvider, openaiProvider } from "./builtin-providers.ts";
import { LOCAL_SERVERS, LocalModels } from "./local-servers.ts";
import type { LocalServer } from "./local-servers.ts";
import { DEFAULT_OPENAI_MODEL, OPENAI_MODELS, plainListing } from "./model-catalogue.ts";
import type { NewId } from "./offline/offline-calls.ts";
import { OfflineProvider } from "./offline/offline-provider.ts";
import { OFFLINE_MODEL, OFFLINE_NAME } from "./offline/offline-words.ts";
import type { ModelListing, ModelProvider, Models } from "./port.ts";
import type { Environment } from "./responses/provider-endpoint.ts";
import { ResponsesProvider } from "./responses/responses-provider.ts";

export interface ModelsOptions {
  readonly config: ConfigReader;
  readonly accounts: Accounts;
  readonly log: { warn(event: string, facts: Readonly<Record<string, string>>): void };
  /** Makes the ids of the offline agent's items; random by default. */
  readonly ids?: NewId;
  readonly env?: Environment;
  /** Where local model servers are looked for. */
  readonly localServers?: readonly LocalServer[];
}

/** `close` drops the connections to all endpoints. */
export function createModels(options: ModelsOptions): Models & { close(): void } {
  return new ProviderRegistry(options);
}

/** What Ollama and LM Studio are asked for when nobody names a model. */
const DEFAULT_LOCAL_MODEL = "gpt-oss:20b";

const randomId: NewId = (prefix) => `${prefix}_${randomBytes(12).toString("hex")}`;

class ProviderRegistry implements Models {
  readonly #config: ConfigReader;
  readonly #accounts: Accounts;
  readonly #env: Environment;
  readonly #localServers: readonly LocalServer[];
  readonly #local: LocalModels;
  readonly #offline: OfflineProvider;
  readonly #providers = new Map<string, { key: string; provider: ResponsesProvider }>();

  constructor({ config, accounts, log, ids, env, localServers }: ModelsOptions) {
    this.#config = config;
    this.#accounts = accounts;
    this.#env = env ?? process.env;
    this.#localServers = localServers ?? LOCAL_SERVERS;
    this.#local = new LocalModels(this.#localServers);
    this.#offline = new OfflineProvider(ids ?? randomId);
    const fault = accounts.fault();
    if (fault !== undefined) log.warn("login not usable", { reason: fault });
  }

  provider(id: string): ModelProvider {
    const config = this.#config.read();
    const described = this.#describe(id, config);
    if (described === undefined) {
      if (id === OFFLINE_MODEL) return this.#offline;
      throw new Error(
        `Model provider \`${id}\` not found. Describe it under [model_providers.${id}] in config.toml, ` +
          `or use one of: ${this.#knownIds(config).join(", ")}.`,
      );
    }
    const key = JSON.stringify(described);
    const known = this.#providers.get(id);
    if (known?.key === key) return known.provider;
    const provider = new ResponsesProvider({
      config: described,
      accounts: this.#accounts,
      env: this.#env,
    });
    this.#providers.set(id, { key, provider });
    return provider;
  }

  defaults(): { readonly modelProvider: string; readonly model: string } {
    const config = this.#config.read();
    const modelProvider = config.modelProvider ?? this.#unnamedProvider(config);
    return { modelProvider, model: config.model ?? defaultModelOf(modelProvider) };
  }

  async list(): Promise<readonly ModelListing[]> {
    const config = this.#config.read();
    const { modelProvider, model } = this.defaults();
    const described = this.#describe(modelProvider, config);
    const local = (await this.#local.find()).map((found) => ({
      ...plainListing(
        found.model,
        `${found.model} (${found.server.name})`,
        `Served by ${found.server.name} on this machine.`,
      ),
      modelProvider: found.server.id,
    }));
    const own =
      described?.requiresOpenaiAuth === true
        ? OPENAI_MODELS
        : local.filter((row) => row.modelProvider === modelProvider);
    const rows: ModelListing[] = [...own, ...local.filter((row) => !own.includes(row))];
    if (!own.some(({ id }) => id === model))
      rows.unshift(
        modelProvider === OFFLINE_MODEL && described === undefined
          ? offlineListing()
          : plainListing(
              model,
              model,
              `As configured, served by ${described?.name ?? modelProvider}.`,
            ),
      );
    const chosen = rows.findIndex((row) => row.id === model);
    return rows.map((row, index) => ({ ...row, isDefault: index === chosen }));
  }

  close(): void {
    for (const { provider } of this.#providers.values()) provider.close();
    this.#providers.clear();
  }

  #describe(id: string, config: Config): ProviderConfig | undefined {
    const configured = config.providers.get(id);
    if (configured !== undefined) return configured;
    if (id === "openai")
      return openaiProvider(config, this.#env, this.#accounts.usesCodexBackend());
    const local = this.#localServers.find((server) => server.id === id);
    return local === undefined ? undefined : localProvider(local);
  }

  #knownIds(config: Config): readonly string[] {
    return [
      ...new Set([
        ...config.providers.keys(),
        "openai",
        ...this.#localServers.map((server) => server.id),
        OFFLINE_MODEL,
      ]),
    ];
  }

  /** Who named a model or an address meant OpenAI's endpoint; who named nothing and has no key gets the offline agent. */
  #unnamedProvider(config: Config): string {
    if (config.model === OFFLINE_MODEL) return OFFLINE_MODEL;
    const named = config.model !== null || typeof config.raw["openai_base_url"] === "string";
    return named || this.#accounts.mode() !== null ? "openai" : OFFLINE_MODEL;
  }
}

function defaultModelOf(provider: string): string {
  if (provider === OFFLINE_MODEL) return OFFLINE_MODEL;
  return provider === "ollama" || provider === "lmstudio"
    ? DEFAULT_LOCAL_MODEL
    : DEFAULT_OPENAI_MODEL;
}

const offlineListing = (): ModelListing =>
  plainListing(
    OFFLINE_MODEL,
    OFFLINE_NAME,
    "A small script without a language model: runs commands, shows and writes files on request.",
  );
