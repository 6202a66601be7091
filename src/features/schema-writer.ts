import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { farhelmProtocolVersion, protocolGeneration } from "../protocol/generation.ts";
import { notifications } from "../protocol/notifications.ts";
import { serverRequests } from "../protocol/server-requests.ts";
import { methods } from "./index.ts";
import type { SchemaDocument } from "./schema-document.ts";
import { partsOf, wireSchema } from "./schema-document.ts";
import { typeScriptText } from "./type-script-text.ts";

const heading = `Farhelm protocol, version ${farhelmProtocolVersion}, generation ${protocolGeneration}. Unknown members are to be ignored.`;

/** Every file of the schema by its path, in the order of the paths. */
export function schemaFiles(): ReadonlyMap<string, string> {
  const wire = wireSchema({ methods, notifications, serverRequests });
  const files = [
    ...wire.frames.map((document) => jsonFile("", document)),
    ...partsOf(wire).map((document) => jsonFile("v2/", document)),
    ["protocol.d.ts", typeScriptText(wire, heading)] as const,
  ];
  return new Map(files.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

/** Writes JSON Schema and TypeScript of every method, notification and server request; returns the paths. */
export async function writeSchema(folder: string): Promise<readonly string[]> {
  await mkdir(join(folder, "v2"), { recursive: true });
  const written: string[] = [];
  for (const [file, text] of schemaFiles()) {
    const path = join(folder, file);
    await writeFile(path, text);
    written.push(path);
  }
  return written;
}

const jsonFile = (folder: string, { name, schema }: SchemaDocument): readonly [string, string] => [
  `${folder}${name}.json`,
  `${JSON.stringify(schema, undefined, 2)}\n`,
];
