import { z } from "zod";
import type { ConfigChange, ConfigLayerName, ConfigWritten } from "../config/port.ts";
import { ConfigError, ConfigWriteError } from "../config/port.ts";
import type { Context } from "../dispatch/context.ts";
import { method } from "../dispatch/define.ts";
import { RpcError } from "../protocol/errors.ts";
import { unreachable } from "../util/unreachable.ts";
import { LayerOrigin } from "./config.ts";

const MergeStrategy = z.enum(["replace", "upsert"]);

/** `null` takes the value away. A key that is missing is an error, and JSON has no other way to say so. */
const Value = z.unknown().refine((value) => value !== undefined, "missing field `value`");

const Edit = z.looseObject({ keyPath: z.string(), value: Value, mergeStrategy: MergeStrategy });

const fileParams = {
  /** Of the user's config.toml; nothing else is written. */
  filePath: z.string().nullish(),
  /** The version that the caller saw; the write is refused when it is another one by now. */
  expectedVersion: z.string().nullish(),
};

const Written = z.object({
  /** `okOverridden`: written, and a stronger layer says something else. */
  status: z.enum(["ok", "okOverridden"]),
  version: z.string(),
  filePath: z.string(),
  overriddenMetadata: z
    .object({
      message: z.string(),
      overridingLayer: LayerOrigin,
      effectiveValue: z.unknown(),
    })
    .nullable(),
});

export const configValueWrite = method({
  name: "config/value/write",
  stability: "stable",
  role: "admin",
  params: z.looseObject({ ...Edit.shape, ...fileParams }),
  result: Written,
  handle: (context, params) => write(context, [params], params),
});

/** A batch is written whole or not at all. */
const maxEdits = 1_000;

export const configBatchWrite = method({
  name: "config/batchWrite",
  stability: "stable",
  role: "admin",
  params: z.looseObject({
    edits: z.array(Edit).max(maxEdits),
    ...fileParams,
    /** It is read anew in any case: threads in memory keep their model, sandbox and approval policy, and take all else. */
    reloadUserConfig: z.boolean().optional(),
  }),
  result: Written,
  handle: (context, params) => write(context, params.edits, params),
});

async function write(
  { configEditor }: Pick<Context, "configEditor">,
  edits: readonly z.infer<typeof Edit>[],
  { filePath, expectedVersion }: z.infer<z.ZodObject<typeof fileParams>>,
): Promise<z.input<typeof Written>> {
  const change: ConfigChange = {
    edits: edits.map(({ keyPath, value, mergeStrategy }) => ({ keyPath, value, mergeStrategy })),
    filePath: filePath ?? undefined,
    expectedVersion: expectedVersion ?? undefined,
  };
  try {
    return answer(await configEditor.write(change));
  } catch (error) {
    throw asRpcError(error);
  }
}

const answer = ({ version, filePath, overridden }: ConfigWritten): z.input<typeof Written> => ({
  status: overridden ? "okOverridden" : "ok",
  version,
  filePath,
  overriddenMetadata: overridden
    ? {
        message: `Overridden by ${nameOf(overridden.by.name)}`,
        overridingLayer: { ...overridden.by },
        effectiveValue: overridden.value,
      }
    : null,
});

function nameOf(layer: ConfigLayerName): string {
  switch (layer.type) {
    case "legacyManagedConfigTomlFromFile":
      return `legacy managed_config.toml: ${layer.file}`;
    case "sessionFlags":
      return "session flags";
    case "project":
      return `project config: ${layer.dotCodexFolder}/config.toml`;
    case "user":
      return `user config: ${layer.file}`;
    case "system":
      return `system config: ${layer.file}`;
    default:
      return unreachable(layer);
  }
}

/** What is wrong with the file or the disk is the host's fault; the rest is the caller's. */
function asRpcError(error: unknown): unknown {
  if (error instanceof ConfigWriteError) {
    const { message, code } = error;
    return new RpcError("invalidRequest", message, {
      data: { config_write_error_code: code },
      cause: error,
    });
  }
  if (error instanceof ConfigError)
    return new RpcError("internal", `failed to load configuration: ${error.message}`, {
      cause: error,
    });
  if (error instanceof Error)
    return new RpcError("internal", `config.toml could not be written: ${error.message}`, {
      cause: error,
    });
  return error;
}
