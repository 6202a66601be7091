/** TypeScript declarations that say the same as JSON Schemas. */
import type { z } from "zod";
import type { JsonSchema, SchemaDocument, SchemaEntry, WireSchema } from "./schema-document.ts";
import { body, partsOf } from "./schema-document.ts";

type Schema = z.core.JSONSchema._JSONSchema;

/** The whole wire as one declaration file. */
export function typeScriptText(wire: WireSchema, heading: string): string {
  const types = [...definitionsOf([...partsOf(wire), ...wire.frames])].toSorted(([left], [right]) =>
    left < right ? -1 : 1,
  );
  return [
    `/** ${heading} */`,
    ...types.map(([name, schema]) => `export type ${name} = ${typeText(schema)};`),
    mapText("ClientRequests", "Every call: what it takes and what it answers.", wire.requests),
    mapText("ServerNotifications", "Every push.", wire.notifications),
    mapText("ServerRequests", "Every question of the server.", wire.serverRequests),
    "",
  ].join("\n\n");
}

/** Every named type of the documents. Throws when one name stands for two things. */
function definitionsOf(documents: readonly SchemaDocument[]): ReadonlyMap<string, JsonSchema> {
  const found = new Map<string, JsonSchema>();
  for (const { name, schema } of documents) {
    const { $defs = {} } = schema;
    for (const [each, definition] of Object.entries({ ...$defs, [name]: schema })) {
      keep(found, each, body(definition));
    }
  }
  return found;
}

function keep(found: Map<string, JsonSchema>, name: string, schema: JsonSchema): void {
  const known = found.get(name);
  if (known && typeText(known) !== typeText(schema)) {
    throw new Error(`two schemas are called ${name}: rename one of them`);
  }
  found.set(name, schema);
}

function mapText(name: string, what: string, entries: readonly SchemaEntry[]): string {
  const lines = entries.flatMap(({ method, params, result, marks }) => [
    `  /** ${Object.entries(marks).map(markText).join(", ")} */`,
    result
      ? `  ${JSON.stringify(method)}: { params: ${params.name}; result: ${result.name} };`
      : `  ${JSON.stringify(method)}: ${params.name};`,
  ]);
  return [`/** ${what} */`, `export interface ${name} {`, ...lines, "}"].join("\n");
}

const markText = ([mark, value]: readonly [string, unknown]): string =>
  `${mark.replace("x-farhelm-", "")}: ${Array.isArray(value) ? value.join(" ") : String(value)}`;

/** The type of one schema, written out. */
export function typeText(schema: Schema, indent = ""): string {
  if (typeof schema === "boolean") return schema ? "unknown" : "never";
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return unionText(schema.enum.map((value) => JSON.stringify(value)));
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return unionText(options.map((option) => typeText(option, indent)));
  if (schema.allOf) return schema.allOf.map((each) => `(${typeText(each, indent)})`).join(" & ");
  const types: readonly (string | undefined)[] = [schema.type].flat();
  return unionText(types.map((type) => namedTypeText(type, schema, indent)));
}

const plainTypes: ReadonlyMap<string | undefined, string> = new Map([
  ["string", "string"],
  ["boolean", "boolean"],
  ["null", "null"],
  ["number", "number"],
  ["integer", "number"],
]);

function namedTypeText(type: string | undefined, schema: JsonSchema, indent: string): string {
  if (type === "array") return arrayText(schema, indent);
  if (type === "object") return objectText(schema, indent);
  return plainTypes.get(type) ?? "unknown";
}

function arrayText({ items, prefixItems }: JsonSchema, indent: string): string {
  if (prefixItems) return `[${prefixItems.map((item) => typeText(item, indent)).join(", ")}]`;
  if (items === undefined || Array.isArray(items)) return "unknown[]";
  return `Array<${typeText(items, indent)}>`;
}

function objectText(schema: JsonSchema, indent: string): string {
  const { properties = {}, required = [], additionalProperties: rest } = schema;
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(
    ([name, member]) =>
      `${inner}${memberName(name)}${required.includes(name) ? "" : "?"}: ${typeText(member, inner)};`,
  );
  if (lines.length === 0) {
    return `{ [member: string]: ${rest === undefined ? "unknown" : typeText(rest, indent)} }`;
  }
  return `{\n${lines.join("\n")}\n${indent}}`;
}

const memberName = (name: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);

/** `unknown` takes everything else in. */
function unionText(options: readonly string[]): string {
  const different = [...new Set(options)];
  return different.includes("unknown") ? "unknown" : different.join(" | ") || "never";
}
