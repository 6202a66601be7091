/** The smallest value that a JSON schema accepts, for answers that must have a shape. */
import { isRecord } from "../../util/is-record.ts";

/** Nesting beyond this is cut: a schema may refer to itself. */
const MAX_DEPTH = 12;

/** `text` is used where the schema wants free text. */
export function exampleOf(schema: unknown, text: string, depth = 0): unknown {
  if (!isRecord(schema) || depth > MAX_DEPTH) return null;
  if ("const" in schema) return schema["const"];
  const { enum: choices } = schema;
  if (Array.isArray(choices) && choices.length > 0) return choices[0];
  for (const member of ["anyOf", "oneOf", "allOf"]) {
    const options = schema[member];
    if (Array.isArray(options) && options.length > 0) return exampleOf(options[0], text, depth + 1);
  }
  return ofType(schema, text, depth);
}

function ofType(schema: Readonly<Record<string, unknown>>, text: string, depth: number): unknown {
  const { type } = schema;
  const kind: unknown = Array.isArray(type) ? type[0] : type;
  switch (kind ?? (isRecord(schema["properties"]) ? "object" : "string")) {
    case "object":
      return exampleObject(schema, text, depth);
    case "array": {
      const count = Math.min(limit(schema, "minItems", 0), 100);
      return Array.from({ length: count }, () => exampleOf(schema["items"], text, depth + 1));
    }
    case "integer":
    case "number":
      return limit(schema, "minimum", 0);
    case "boolean":
      return false;
    case "null":
      return null;
    default:
      return text
        .slice(0, limit(schema, "maxLength", 60))
        .padEnd(Math.min(limit(schema, "minLength", 0), 1000), ".");
  }
}

function exampleObject(
  schema: Readonly<Record<string, unknown>>,
  text: string,
  depth: number,
): Record<string, unknown> {
  const { properties, required } = schema;
  if (!isRecord(properties)) return {};
  const names = Array.isArray(required) ? required : Object.keys(properties);
  return Object.fromEntries(
    names
      .filter((name: unknown): name is string => typeof name === "string")
      .map((name) => [name, exampleOf(properties[name], text, depth + 1)]),
  );
}

function limit(schema: Readonly<Record<string, unknown>>, name: string, fallback: number): number {
  const value = schema[name];
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}
