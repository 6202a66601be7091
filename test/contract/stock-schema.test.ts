import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { methods } from "../../src/features/index.ts";
import { schemaFiles } from "../../src/features/schema-writer.ts";
import { typeName } from "../../src/features/schema-document.ts";
import { protocolGeneration } from "../../src/protocol/generation.ts";
import { notifications } from "../../src/protocol/notifications.ts";
import { stockSchema } from "../helpers/stock-binary.ts";
import type { Node } from "./stock-schema.ts";
import { missingMembers } from "./stock-schema.ts";

const found = stockSchema(protocolGeneration);
const isHere = found !== undefined;
const stock = found ?? "";
const files = schemaFiles();

const ours = (name: string): Node => JSON.parse(files.get(`v2/${name}.json`) ?? "null");
const theirs = (file: string): Node => JSON.parse(readFileSync(join(stock, file), "utf8"));

/** The stock name of an answer that several methods give. */
const sharedAnswers: ReadonlyMap<string, string> = new Map([
  ["config/value/write", "ConfigWriteResponse"],
  ["config/batchWrite", "ConfigWriteResponse"],
]);

/** The stock name of each message's params, by method. */
function paramNames(file: string): ReadonlyMap<string, string> {
  const named = theirs(file).oneOf?.flatMap(({ properties }) => {
    const [method] = properties?.["method"]?.enum ?? [];
    const name = properties?.["params"]?.$ref?.split("/").at(-1);
    return typeof method === "string" && name ? [[method, name] as const] : [];
  });
  return new Map(named);
}

const shared = (file: string, specs: readonly { readonly name: string }[]) =>
  [...(isHere ? paramNames(file) : [])].filter(([method]) =>
    specs.some(({ name }) => name === method),
  );

const stockFile = (name: string): string =>
  [`v2/${name}.json`, `v1/${name}.json`].find((file) => existsSync(join(stock, file))) ??
  `${name}.json`;

describe.skipIf(!isHere)("needs the stock server's schema", () => {
  test("there are messages to compare", () => {
    expect(shared("ClientRequest.json", methods).length).toBeGreaterThan(15);
    expect(shared("ServerNotification.json", notifications).length).toBeGreaterThan(20);
  });

  test.each(shared("ClientRequest.json", methods))(
    "%s asks for nothing that stock clients leave out",
    (method, stockName) => {
      const params = ours(`${typeName(method)}Params`);
      expect(missingMembers(params, theirs(stockFile(stockName)))).toEqual([]);
    },
  );

  test.each(shared("ClientRequest.json", methods))(
    "%s answers what stock clients rely on",
    (method, stockName) => {
      const answerName = sharedAnswers.get(method) ?? stockName.replace(/Params$/, "Response");
      const wished = theirs(stockFile(answerName));
      expect(missingMembers(wished, ours(`${typeName(method)}Response`))).toEqual([]);
    },
  );

  test.each(shared("ServerNotification.json", notifications))(
    "%s tells what stock clients rely on",
    (method) => {
      const wished = theirs("ServerNotification.json");
      const name = paramNames("ServerNotification.json").get(method) ?? "";
      const node = { ...wished.definitions?.[name], definitions: wished.definitions ?? {} };
      expect(missingMembers(node, ours(`${typeName(method)}Notification`))).toEqual([]);
    },
  );
});

const text: Node = { type: "string" };
const object = (properties: Record<string, Node>, required = Object.keys(properties)): Node => ({
  type: "object",
  properties,
  required,
});

describe("the comparison", () => {
  test("finds members at every depth, behind references, in lists and in variants", () => {
    const wish: Node = {
      ...object({
        a: text,
        list: { type: "array", items: { $ref: "#/definitions/Row" } },
        kind: {
          oneOf: [object({ type: { enum: ["x"] }, one: text }), object({ type: { enum: ["y"] } })],
        },
      }),
      definitions: { Row: object({ id: text, size: text }) },
    };
    const promise: Node = {
      ...object({
        list: { type: "array", items: { $ref: "#/$defs/Row" } },
        kind: { oneOf: [object({ type: { const: "y" } }), object({ type: { const: "x" } })] },
      }),
      $defs: { Row: object({ id: text, size: text }, ["id"]) },
    };
    expect(missingMembers(wish, promise)).toEqual(["a", "list[].size", "kind.one"]);
  });

  test("asks nothing of what is promised on top", () => {
    expect(missingMembers(object({ a: text }), object({ a: text, b: text }))).toEqual([]);
  });
});
