/** Checks what a device signed against what this host asked it to sign. */
import { decodeBase64 } from "../crypto/base64.ts";
import { devicePayloadBytes } from "../crypto/device-payload.ts";
import { parseP256Spki, verifyP256, type P256PublicKey } from "../crypto/p256.ts";
import type { ConnectionPayload, DeviceProof, EnrollmentPayload } from "../protocol/auth-api.ts";

/** A key as the client sends it; undefined unless it is P-256 in canonical base64 and DER. */
export function readDeviceKey(publicKeySpkiDerBase64: string): P256PublicKey | undefined {
  const spki = decodeBase64(publicKeySpkiDerBase64);
  return spki === undefined ? undefined : parseP256Spki(spki);
}

/**
 * Whether the proof is by this key, over exactly the bytes of `expected`, which the host rebuilt from
 * its own challenge. The signature is checked over the bytes received.
 */
export function proofHolds(
  expected: EnrollmentPayload | ConnectionPayload,
  proof: DeviceProof,
  keyId: string,
  key: P256PublicKey,
): boolean {
  const received = decodeBase64(proof.signedPayloadBase64);
  const signature = decodeBase64(proof.signatureDerBase64);
  if (received === undefined || signature === undefined || proof.keyId !== keyId) return false;
  return received.equals(devicePayloadBytes(expected)) && verifyP256(key, received, signature);
}
