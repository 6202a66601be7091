import { createHash } from "node:crypto";
import { isRecord } from "../util/is-record.ts";

/** `sha256:` and the hash of a layer's JSON with sorted keys and no white space: what clients send back as `expectedVersion`. */
export function layerVersion(config: Readonly<Record<string, unknown>>): string {
  const json = JSON.stringify(config, (_key, value: unknown) =>
    isRecord(value) ? sorted(value) : value,
  );
  return `sha256:${createHash("sha256").update(json).digest("hex")}`;
}

const sorted = (table: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(table).toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))));
