import { resolve } from "node:path";
import { z } from "zod";
import { ConfigError, ConfigValueError } from "../config/port.ts";
import type { ConfigOrigin, ConfigReader, LayeredConfig } from "../config/port.ts";
import { method } from "../dispatch/define.ts";
import { RpcError } from "../protocol/errors.ts";
import { mayAct } from "../protocol/principal.ts";

const Source = z.discriminatedUnion("type", [
  z.object({ type: z.literal("legacyManagedConfigTomlFromFile"), file: z.string() }),
  z.object({ type: z.literal("project"), dotCodexFolder: z.string() }),
  z.object({ type: z.literal("user"), file: z.string(), profile: z.string().nullable() }),
  z.object({ type: z.literal("system"), file: z.string() }),
  z.object({ type: z.literal("sessionFlags") }),
]);
export const LayerOrigin = z.object({ name: Source, version: z.string() });
const Layer = LayerOrigin.extend({
  config: z.record(z.string(), z.unknown()),
  disabledReason: z.string().nullable(),
});

/** Members that may hold secrets; only an admin, who can read the file anyway, is shown their values. */
const secretKeys: ReadonlySet<string> = new Set([
  "args",
  "env",
  "experimental_bearer_token",
  "http_headers",
  "query_params",
]);

export const configRead = method({
  name: "config/read",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({ includeLayers: z.boolean().nullish(), cwd: z.string().nullish() }),
  result: z.object({
    config: z.record(z.string(), z.unknown()),
    origins: z.record(z.string(), LayerOrigin),
    layers: z.array(Layer).nullable(),
  }),
  handle({ config, principal, host }, { includeLayers, cwd }) {
    const shown = mayAct(principal.role, "admin") ? asItIs : withoutSecrets;
    const folder = cwd === null || cwd === undefined ? undefined : resolve(host.defaultCwd, cwd);
    const { config: effective, layers, origins } = readLayers(config, folder);
    return {
      config: shown(effective),
      origins: Object.fromEntries(
        Object.entries(origins).map(([key, { name, version }]: [string, ConfigOrigin]) => [
          key,
          { name, version },
        ]),
      ),
      layers: includeLayers
        ? layers.map((layer) => ({ ...layer, config: shown(layer.config) }))
        : null,
    };
  },
});

function readRequirements(config: ConfigReader): Readonly<Record<string, unknown>> | null {
  try {
    return config.requirements().listing;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const message = `failed to read configuration layers: ${error.message}`;
    throw new RpcError("internal", message, { cause: error });
  }
}

/** Throws `RpcError` in the words that clients of this method know. */
function readLayers(config: ConfigReader, cwd: string | undefined): LayeredConfig {
  try {
    return config.layers(cwd);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const message =
      error instanceof ConfigValueError
        ? `invalid configuration: ${error.reason}\nin \`${error.key}\`\n`
        : `failed to read configuration layers: ${error.message}`;
    throw new RpcError("internal", message, { cause: error });
  }
}

export const configRequirementsRead = method({
  name: "configRequirements/read",
  stability: "stable",
  role: "viewer",
  reach: "open",
  params: z.unknown().optional(),
  result: z.object({
    supportsIndependentSpeedModes: z.boolean().nullable(),
    requirements: z.unknown().nullable(),
  }),
  handle: ({ config }) => ({
    supportsIndependentSpeedModes: true,
    requirements: readRequirements(config),
  }),
});

const asItIs = (table: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
  ...table,
});

function withoutSecrets(table: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(table).map(([key, value]) => [
      key,
      secretKeys.has(key) ? hidden(value) : isTable(value) ? withoutSecrets(value) : value,
    ]),
  );
}

const hidden = (value: unknown): unknown =>
  isTable(value) ? Object.fromEntries(Object.keys(value).map((key) => [key, "…"])) : "…";

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
