/** Under which name each shared noun of the protocol stands in the written schemas. */
import { z } from "zod";
import * as ids from "../protocol/ids.ts";
import * as item from "../protocol/item.ts";
import * as principal from "../protocol/principal.ts";
import * as serverRequests from "../protocol/server-requests.ts";
import * as settings from "../protocol/settings.ts";
import * as thread from "../protocol/thread.ts";
import * as turn from "../protocol/turn.ts";
import * as userInput from "../protocol/user-input.ts";

/** `input`: as a client may send it, members with a default left out; `output`: as it is read. */
export type Side = "input" | "output";

type Names = z.core.$ZodRegistry<{ id: string }>;

const modules: readonly object[] = [
  ids,
  item,
  principal,
  serverRequests,
  settings,
  thread,
  turn,
  userInput,
];

/** What the modules export is named as it is there; where the two sides differ, what a client sends is called `Sent…`. */
export function schemaNames(): Readonly<Record<Side, Names>> {
  const input: Names = z.registry();
  const output: Names = z.registry();
  for (const [name, schema] of modules.flatMap((exports) => Object.entries(exports))) {
    if (!(schema instanceof z.ZodType)) continue;
    input.add(schema, { id: isOneSided(schema) ? name : `Sent${name}` });
    output.add(schema, { id: name });
  }
  return { input, output };
}

const isOneSided = (schema: z.ZodType): boolean => bare(schema, "input") === bare(schema, "output");

/** Members that an object does not name are no difference: both sides ignore them. */
const bare = (schema: z.ZodType, io: Side): string =>
  JSON.stringify(z.toJSONSchema(schema, { io, unrepresentable: "any", override: openObject }));

/** Takes away what JSON Schema says of unnamed members: they are ignored everywhere. */
export function openObject({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const { additionalProperties: rest } = jsonSchema;
  const isEmpty = typeof rest === "object" && Object.keys(rest).length === 0;
  if (rest === false || isEmpty) delete jsonSchema.additionalProperties;
}
