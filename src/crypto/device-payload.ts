/** The bytes that a device key signs, and the digest by which a payload names the key. */
import { canonicalJson, type CanonicalValue } from "./canonical-json.ts";
import { sha256Base64url } from "./digest.ts";

/** Separates these signatures from all others that the same key could make. */
const domain = "codex-device-key-sign-payload/v1";

/** UTF-8 bytes of `{"domain":…,"payload":…}`, members sorted, no spaces. */
export const devicePayloadBytes = (payload: {
  readonly [member: string]: CanonicalValue;
}): Buffer => Buffer.from(canonicalJson({ domain, payload }));

/** `deviceIdentitySha256Base64url`: over these four members in this order, no spaces. */
export function deviceIdentityDigest(identity: {
  readonly algorithm: string;
  readonly keyId: string;
  readonly protectionClass: string;
  readonly publicKeySpkiDerBase64: string;
}): string {
  const { algorithm, keyId, protectionClass, publicKeySpkiDerBase64 } = identity;
  return sha256Base64url(
    JSON.stringify({ algorithm, keyId, protectionClass, publicKeySpkiDerBase64 }),
  );
}
