import { describe, expect, test } from "vitest";
import { z } from "zod";
import { method } from "../../../src/dispatch/define.ts";
import { wireSchema } from "../../../src/features/schema-document.ts";
import { typeScriptText, typeText } from "../../../src/features/type-script-text.ts";

describe("a schema as a type", () => {
  test.each([
    ["anything", {}, "unknown"],
    ["nothing", false, "never"],
    ["a text", { type: "string" }, "string"],
    ["a whole number", { type: "integer" }, "number"],
    ["a literal", { const: 'a"b' }, '"a\\"b"'],
    ["null alone", { const: null }, "null"],
    ["an enumeration", { enum: ["a", 1, null] }, '"a" | 1 | null'],
    ["a nullable", { type: ["string", "null"] }, "string | null"],
    ["a union", { anyOf: [{ type: "string" }, { type: "null" }] }, "string | null"],
    ["a union with anything", { oneOf: [{}, { type: "null" }] }, "unknown"],
    ["both", { allOf: [{ $ref: "#/$defs/A" }, { $ref: "#/$defs/B" }] }, "(A) & (B)"],
    ["a reference", { $ref: "#/$defs/Thread" }, "Thread"],
    ["a list", { type: "array", items: { type: "boolean" } }, "Array<boolean>"],
    ["a list of anything", { type: "array" }, "unknown[]"],
    ["a tuple", { type: "array", prefixItems: [{ const: 1 }, {}] }, "[1, unknown]"],
    ["an open object", { type: "object" }, "{ [member: string]: unknown }"],
    [
      "a record",
      { type: "object", additionalProperties: { type: "number" } },
      "{ [member: string]: number }",
    ],
    [
      "an object",
      {
        type: "object",
        properties: { id: {}, "x-y": { type: "object", properties: { z: {} } } },
        required: ["id"],
      },
      '{\n  id: unknown;\n  "x-y"?: {\n    z?: unknown;\n  };\n}',
    ],
  ])("%s", (_what, schema, text) => {
    expect(typeText(JSON.parse(JSON.stringify(schema)))).toBe(text);
  });
});

const spec = (name: string, params: z.ZodType) =>
  method({
    name,
    stability: "stable",
    role: "viewer",
    params,
    result: z.object({}),
    handle: () => ({}),
  });

test("two nouns of one name are refused", () => {
  const wire = wireSchema({
    methods: [spec("a/b", z.object({ x: z.string() })), spec("a/B", z.object({ y: z.string() }))],
    notifications: [],
    serverRequests: [],
  });
  expect(() => typeScriptText(wire, "")).toThrow("two schemas are called ABParams");
});
