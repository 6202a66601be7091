/** The bytes that a device signs when it approves something, and the digest by which they name a patch. */
import type { FileUpdateChange } from "../protocol/item.ts";
import { approvalDomain } from "../protocol/signed-approval.ts";
import { canonicalJson, type CanonicalValue } from "./canonical-json.ts";
import { sha256Base64url } from "./digest.ts";

/** UTF-8 bytes of `{"domain":…,"payload":…}`, members sorted, no spaces; the payload holds the decision. */
export const approvalPayloadBytes = (payload: {
  readonly [member: string]: CanonicalValue;
}): Buffer => Buffer.from(canonicalJson({ domain: approvalDomain, payload }));

/** SHA-256 of the canonical JSON of the changes, base64url. */
export const changesDigest = (changes: readonly FileUpdateChange[]): string =>
  sha256Base64url(canonicalJson(changes.map(({ path, kind, diff }) => ({ path, kind, diff }))));
