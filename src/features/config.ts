import { z } from "zod";
import type { ConfigOrigin } from "../config/port.ts";
import { ConfigError } from "../config/port.ts";
import { method } from "../dispatch/define.ts";
import { invalidRequest } from "../protocol/errors.ts";

const Source = z.discriminatedUnion("type", [
  z.object({ type: z.literal("user"), file: z.string(), profile: z.string().nullable() }),
  z.object({ type: z.literal("system"), file: z.string() }),
  z.object({ type: z.literal("sessionFlags") }),
]);
const Origin = z.object({ name: Source, version: z.string() });
const Layer = Origin.extend({
  config: z.record(z.string(), z.unknown()),
  disabledReason: z.string().nullable(),
});

/** Settings that clients look for by name; null: not set. */
const known: Readonly<Record<string, unknown>> = {
  model: null,
  model_provider: null,
  model_reasoning_effort: null,
  model_reasoning_summary: null,
  approval_policy: null,
  sandbox_mode: null,
  sandbox_workspace_write: null,
  developer_instructions: null,
  web_search: null,
  tools: null,
  profile: null,
};

/** Tables that may hold secrets; their values are not for viewers. */
const secretKeys: ReadonlySet<string> = new Set([
  "http_headers",
  "experimental_bearer_token",
  "env",
]);

export const configRead = method({
  name: "config/read",
  stability: "stable",
  role: "viewer",
  params: z.looseObject({ includeLayers: z.boolean().nullish(), cwd: z.string().nullish() }),
  result: z.object({
    config: z.record(z.string(), z.unknown()),
    origins: z.record(z.string(), Origin),
    layers: z.array(Layer).nullable(),
  }),
  handle({ config }, { includeLayers }) {
    try {
      const { raw } = config.read();
      const { layers, origins } = config.layers();
      return {
        config: { ...known, ...withoutSecrets(raw) },
        origins: Object.fromEntries(
          Object.entries(origins).map(([key, { name, version }]: [string, ConfigOrigin]) => [
            key,
            { name, version },
          ]),
        ),
        layers: includeLayers
          ? layers.map((layer) => ({
              name: layer.name,
              version: layer.version,
              config: withoutSecrets(layer.config),
              disabledReason: null,
            }))
          : null,
      };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw invalidRequest(`failed to load configuration: ${error.message}`, error);
    }
  },
});

export const configRequirementsRead = method({
  name: "configRequirements/read",
  stability: "stable",
  role: "viewer",
  params: z.unknown().optional(),
  result: z.object({
    supportsIndependentSpeedModes: z.boolean().nullable(),
    requirements: z.unknown().nullable(),
  }),
  handle: () => ({ supportsIndependentSpeedModes: true, requirements: null }),
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
