/** P-256 public keys as devices send them, and the signatures that they make. */
import { p256 } from "@noble/curves/nist.js";
import { sha256Base64url } from "./digest.ts";

/**
 * SubjectPublicKeyInfo up to the point: id-ecPublicKey, named curve prime256v1, a bit string of
 * 66 bytes without unused bits, uncompressed point (RFC 5480). The one accepted encoding.
 */
const spkiPrefix = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "hex");
const spkiBytes = 91;
/** The longest DER signature: two integers of 33 bytes and three headers of 2 bytes. */
const maxSignatureBytes = 72;

/** A point on the curve. Only `parseP256Spki` makes one. */
export interface P256PublicKey {
  /** 65 bytes: 0x04, x, y. */
  readonly point: Uint8Array;
  /** RFC 7638 SHA-256 thumbprint (`jkt`). */
  readonly thumbprint: string;
}

/** Reads a key from its DER; undefined for other curves, forms or encodings and for points off the curve. */
export function parseP256Spki(der: Uint8Array): P256PublicKey | undefined {
  if (der.length !== spkiBytes) return undefined;
  if (!spkiPrefix.equals(der.subarray(0, spkiPrefix.length))) return undefined;
  const point = Uint8Array.from(der.subarray(spkiPrefix.length - 1));
  if (!p256.utils.isValidPublicKey(point, false)) return undefined;
  return { point, thumbprint: thumbprint(point) };
}

/**
 * Whether `signature` (ECDSA over SHA-256, strict ASN.1 DER; a high S is accepted) was made over
 * exactly `bytes`.
 */
export function verifyP256(key: P256PublicKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length > maxSignatureBytes) return false;
  try {
    return p256.verify(signature, bytes, key.point, { lowS: false, format: "der" });
  } catch {
    return false;
  }
}

function thumbprint(point: Uint8Array): string {
  const coordinate = (from: number): string =>
    Buffer.from(point.subarray(from, from + 32)).toString("base64url");
  return sha256Base64url(
    JSON.stringify({ crv: "P-256", kty: "EC", x: coordinate(1), y: coordinate(33) }),
  );
}
