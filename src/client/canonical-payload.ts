/** The exact bytes that a device key signs: canonical JSON in UTF-8, under a domain that says what for. */
import { type Bytes, utf8 } from "./bytes.ts";

const domain = "codex-device-key-sign-payload/v1";

/** For pairing and connecting: `{"domain":"codex-device-key-sign-payload/v1","payload":{…}}`. */
export const canonicalPayload = (payload: object): Bytes =>
  utf8(canonicalJson({ domain, payload }));

/** Without spaces, members sorted by UTF-16 code units at every level. */
export const canonicalJson = (value: unknown): string => JSON.stringify(sorted(value));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}
