/** The wire as JSON Schema (draft 2020-12), made from the declarations. Nothing here writes. */
import { z } from "zod";
import { memberOf } from "../dispatch/define.ts";
import type { Method } from "../dispatch/define.ts";
import type { NotificationSpec, ServerRequestSpec } from "../protocol/define.ts";
import { farhelmProtocolVersion, protocolGeneration } from "../protocol/generation.ts";
import type { Side } from "./schema-names.ts";
import { openObject, schemaNames } from "./schema-names.ts";

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** One schema that stands on its own. */
export interface SchemaDocument {
  /** The name of its type; its file is `NAME.json`. */
  readonly name: string;
  readonly schema: JsonSchema;
}

/** What a call, a notification or a question consists of. */
export interface SchemaEntry {
  readonly method: string;
  readonly params: SchemaDocument;
  readonly result?: SchemaDocument;
  /** What the declaration says besides: role, stability, audience, each as `x-farhelm-…`. */
  readonly marks: Readonly<Record<string, unknown>>;
  readonly paramsOptional: boolean;
}

export interface WireSchema {
  readonly requests: readonly SchemaEntry[];
  readonly notifications: readonly SchemaEntry[];
  readonly serverRequests: readonly SchemaEntry[];
  /** ClientRequest, ServerNotification, ServerRequest: every frame of one kind. */
  readonly frames: readonly SchemaDocument[];
}

interface Declarations {
  readonly methods: readonly Method[];
  readonly notifications: readonly NotificationSpec[];
  readonly serverRequests: readonly ServerRequestSpec[];
}

const draft = "https://json-schema.org/draft/2020-12/schema";
const definitions = "$defs";

/** Entries are sorted by method, so that the order of the declarations does not matter. */
export function wireSchema(declarations: Declarations): WireSchema {
  const toSchema = schemaMaker();
  const requests = declarations.methods
    .map((spec) => requestEntry(spec, toSchema))
    .toSorted(byMethod);
  const notifications = declarations.notifications
    .map((spec) => notificationEntry(spec, toSchema))
    .toSorted(byMethod);
  const serverRequests = declarations.serverRequests
    .map((spec) => serverRequestEntry(spec, toSchema))
    .toSorted(byMethod);
  const id = { anyOf: [{ type: "string" as const }, { type: "integer" as const }] };
  return {
    requests,
    notifications,
    serverRequests,
    frames: [
      frames("ClientRequest", requests, { id }),
      frames("ServerNotification", notifications, {}, { emittedAtMs: { type: "number" } }),
      frames("ServerRequest", serverRequests, { id }),
    ],
  };
}

/** The parameters and results, one document each. */
export const partsOf = ({
  requests,
  notifications,
  serverRequests,
}: WireSchema): readonly SchemaDocument[] =>
  [...requests, ...notifications, ...serverRequests].flatMap(({ params, result }) =>
    result ? [params, result] : [params],
  );

/** `thread/name/set` -> `ThreadNameSet`. */
export const typeName = (method: string): string =>
  method
    .split("/")
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join("");

type MakeSchema = (schema: z.ZodType, side: Side) => JsonSchema;

function schemaMaker(): MakeSchema {
  const names = schemaNames();
  return (schema, io) => {
    const {
      $schema: _draft,
      "~standard": _standard,
      ...made
    } = z.toJSONSchema(schema, {
      io,
      target: "draft-2020-12",
      unrepresentable: "any",
      metadata: names[io],
      override: openObject,
    });
    return made;
  };
}

function requestEntry(spec: Method, toSchema: MakeSchema): SchemaEntry {
  const { name: method, role, stability, experimentalParams } = spec;
  const marks = {
    "x-farhelm-role": role,
    "x-farhelm-stability": stability,
    ...(experimentalParams && {
      "x-farhelm-experimental-params": experimentalParams.map(memberOf),
    }),
  };
  return {
    method,
    params: part(`${typeName(method)}Params`, toSchema(spec.params, "input"), method, marks),
    result: part(`${typeName(method)}Response`, toSchema(spec.result, "output"), method, marks),
    marks,
    paramsOptional: spec.params.safeParse(undefined).success,
  };
}

function notificationEntry(spec: NotificationSpec, toSchema: MakeSchema): SchemaEntry {
  const { name: method, audience, stability } = spec;
  const marks = { "x-farhelm-audience": audience, "x-farhelm-stability": stability };
  const name = `${typeName(method)}Notification`;
  const params = part(name, toSchema(spec.params, "output"), method, marks);
  return { method, params, marks, paramsOptional: false };
}

function serverRequestEntry(spec: ServerRequestSpec, toSchema: MakeSchema): SchemaEntry {
  const { name: method, role, stability } = spec;
  const marks = { "x-farhelm-role": role, "x-farhelm-stability": stability };
  return {
    method,
    params: part(`${typeName(method)}Params`, toSchema(spec.params, "output"), method, marks),
    result: part(`${typeName(method)}Response`, toSchema(spec.result, "input"), method, marks),
    marks,
    paramsOptional: false,
  };
}

const part = (
  name: string,
  schema: JsonSchema,
  method: string,
  marks: SchemaEntry["marks"],
): SchemaDocument => ({
  name,
  schema: { $schema: draft, title: name, "x-farhelm-method": method, ...marks, ...schema },
});

/** One schema over all frames of a kind; `method` tells them apart. */
function frames(
  name: string,
  entries: readonly SchemaEntry[],
  before: Readonly<Record<string, JsonSchema>>,
  after: Readonly<Record<string, JsonSchema>> = {},
): SchemaDocument {
  const shared = entries.flatMap(({ params }) => Object.entries(params.schema.$defs ?? {}));
  const own = entries.map(({ params }) => [params.name, body(params.schema)] as const);
  return {
    name,
    schema: {
      $schema: draft,
      title: name,
      "x-farhelm-protocol-version": farhelmProtocolVersion,
      "x-farhelm-protocol-generation": protocolGeneration,
      oneOf: entries.map(({ method, params, result, marks, paramsOptional }) => ({
        type: "object" as const,
        ...marks,
        ...(result && { "x-farhelm-response": `v2/${result.name}.json` }),
        properties: {
          ...before,
          method: { const: method },
          params: { $ref: `#/${definitions}/${params.name}` },
          ...after,
        },
        required: [...Object.keys(before), "method", ...(paramsOptional ? [] : ["params"])],
      })),
      $defs: Object.fromEntries([...shared, ...own].toSorted(byKey)),
    },
  };
}

/** A document without what makes it one: as it stands among the definitions of another. */
export function body(schema: JsonSchema): JsonSchema {
  const { $schema: _draft, $defs: _definitions, ...rest } = schema;
  return rest;
}

const byMethod = (left: SchemaEntry, right: SchemaEntry): number =>
  left.method < right.method ? -1 : 1;

const byKey = ([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number =>
  left < right ? -1 : 1;
