import { z } from "zod";
import type { ConfigOrigin } from "../config/port.ts";
import { method } from "../dispatch/define.ts";
import { mayAct } from "../protocol/principal.ts";

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
    origins: z.record(z.string(), Origin),
    layers: z.array(Layer).nullable(),
  }),
  handle({ config, principal }, { includeLayers }) {
    const shown = mayAct(principal.role, "admin") ? asItIs : withoutSecrets;
    const { raw } = config.read();
    const { layers, origins } = config.layers();
    return {
      config: { ...known, ...shown(raw) },
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
            config: shown(layer.config),
            disabledReason: null,
          }))
        : null,
    };
  },
});

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
  handle: () => ({ supportsIndependentSpeedModes: true, requirements: null }),
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
