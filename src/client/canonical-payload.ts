/**
 * The exact bytes that a device key signs: UTF-8 JSON without spaces, keys sorted at every level, of
 * `{"domain":"codex-device-key-sign-payload/v1","payload":{…}}`.
 */
import { type Bytes, utf8 } from "./bytes.ts";

const domain = "codex-device-key-sign-payload/v1";

export const canonicalPayload = (payload: object): Bytes =>
  utf8(JSON.stringify(sorted({ domain, payload })));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}
