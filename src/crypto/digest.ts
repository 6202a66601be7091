import { createHash, timingSafeEqual } from "node:crypto";

/** SHA-256, unpadded base64url (43 characters). */
export const sha256Base64url = (data: string | Uint8Array): string =>
  createHash("sha256").update(data).digest("base64url");

/** Compares two secrets by their digests: the time says nothing of content or length. */
export const equalSecrets = (left: string, right: string): boolean =>
  timingSafeEqual(sha256(left), sha256(right));

export const sha256 = (data: string): Buffer => createHash("sha256").update(data).digest();

/** For people: the first 16 hex digits of a base64url SHA-256 digest in groups of four. */
export function shortFingerprint(digestBase64url: string): string {
  const hex = Buffer.from(digestBase64url, "base64url").toString("hex").slice(0, 16);
  return hex.replaceAll(/.{4}(?=.)/g, "$& ");
}
