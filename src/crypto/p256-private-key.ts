/** P-256 private keys that this program holds itself, as text for a private file. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { decodeBase64 } from "./base64.ts";
import { parseP256Spki } from "./p256.ts";

export interface P256PrivateKey {
  /** SubjectPublicKeyInfo, DER, 91 bytes. */
  readonly spki: Buffer;
  /** ECDSA over SHA-256 of `bytes`; ASN.1 DER. */
  sign(bytes: Uint8Array): Buffer;
}

/** A new key: PKCS#8 DER (RFC 5958) in standard base64. */
export const newP256KeyText = (): string =>
  generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ format: "der", type: "pkcs8" })
    .toString("base64");

/** Reads what `newP256KeyText` wrote. Throws for anything else; the text names no key material. */
export function readP256Key(text: string): P256PrivateKey {
  const key = privateKey(text);
  const spki = key && createPublicKey(key).export({ format: "der", type: "spki" });
  if (!key || !spki || !parseP256Spki(spki)) throw new Error("it is not a private P-256 key");
  return { spki, sign: (bytes) => sign("sha256", bytes, key) };
}

function privateKey(text: string): ReturnType<typeof createPrivateKey> | undefined {
  try {
    const der = decodeBase64(text);
    return der && createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } catch {
    return undefined;
  }
}
