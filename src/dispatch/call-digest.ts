import { createHash } from "node:crypto";
import type { RequestFrame } from "../protocol/frames.ts";
import { isRecord } from "../util/is-record.ts";
import { keyRefusal } from "./key-refusals.ts";

/** SHA-256, base64url, of the method and the params, whatever the order of their members. Throws where they are nested too deeply. */
export function callDigest({ method, params = null }: RequestFrame): string {
  return createHash("sha256")
    .update(textOf([method, params]))
    .digest("base64url");
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value, (_member, each: unknown) =>
      isRecord(each) ? sorted(each) : each,
    );
  } catch (error) {
    throw keyRefusal("idempotency_params_too_deep", error);
  }
}

const sorted = (record: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(record).toSorted(([left], [right]) => (left < right ? -1 : 1)));
