/** Ed25519 public keys and signatures (RFC 8032), strictly: one encoding, no weak keys, no second form of a signature. */
import { generateKeyPairSync } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";

/** SubjectPublicKeyInfo up to the key (RFC 8410, section 4). The one accepted encoding. */
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");
const keyBytes = 32;
const signatureBytes = 64;

/** 32 bytes: a point that is no small-order one. Only the readers of this file make one. */
export interface Ed25519PublicKey {
  readonly point: Uint8Array;
}

/** Reads a key from its DER; undefined for other forms and for keys under which anybody can sign. */
export function parseEd25519Spki(der: Uint8Array): Ed25519PublicKey | undefined {
  if (der.length !== spkiPrefix.length + keyBytes) return undefined;
  if (!spkiPrefix.equals(der.subarray(0, spkiPrefix.length))) return undefined;
  return readEd25519Point(der.subarray(spkiPrefix.length));
}

/** The same from the bare 32 bytes. */
export function readEd25519Point(bytes: Uint8Array): Ed25519PublicKey | undefined {
  if (bytes.length !== keyBytes) return undefined;
  try {
    const point = ed25519.Point.fromBytes(Uint8Array.from(bytes), false);
    return point.isSmallOrder() ? undefined : { point: point.toBytes() };
  } catch {
    return undefined;
  }
}

/** Of a key that nobody has. By Node's own curve: the tables of the other one would be made at every start. */
export function newEd25519PublicKey(): Ed25519PublicKey {
  const der = generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" });
  return { point: Uint8Array.from(der.subarray(spkiPrefix.length)) };
}

/** Whether `signature` was made over exactly `bytes`; S must be below the group's order. */
export function verifyEd25519(
  key: Ed25519PublicKey,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== signatureBytes) return false;
  try {
    return ed25519.verify(signature, bytes, key.point, { zip215: false });
  } catch {
    return false;
  }
}
