/** The Ed25519 key of an agent identity and the texts that it signs. */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { decodeBase64 } from "./base64.ts";

/** Signs for one agent runtime; the key itself stays inside. */
export interface AgentSigner {
  /** Standard base64 of the Ed25519 signature over the UTF-8 bytes of `text`. */
  sign(text: string): string;
}

/** PKCS #8 of RFC 8410: `version 0, Ed25519, seed`. */
const plainHead = Buffer.from("302e020100300506032b657004220420", "hex");
/** The same with version 1 and a public key behind the seed (RFC 5958), which OpenSSL does not read. */
const pairHead = Buffer.from("3051020101300506032b657004220420", "hex");
const publicKeyHead = Buffer.from("812100", "hex");
const seedBytes = 32;

/**
 * Reads standard base64 (with or without padding) of a PKCS #8 Ed25519 key, with or without its
 * public key. Throws an `Error` whose text names the fault and no key material.
 */
export function readAgentKey(pkcs8Base64: string): AgentSigner {
  const padding = pkcs8Base64.endsWith("=") ? "" : "=".repeat((4 - (pkcs8Base64.length % 4)) % 4);
  const der = decodeBase64(`${pkcs8Base64}${padding}`);
  if (der === undefined || der.length === 0) {
    throw new Error("stored agent identity private key is not valid base64");
  }
  const parts = splitKey(der);
  if (parts === undefined) throw notPkcs8();
  const key = createPrivateKey({
    key: Buffer.concat([plainHead, parts.seed]),
    format: "der",
    type: "pkcs8",
  });
  if (parts.publicKey !== undefined) {
    const spki = createPublicKey(key).export({ format: "der", type: "spki" });
    if (!spki.subarray(-seedBytes).equals(parts.publicKey)) throw notPkcs8();
  }
  return { sign: (text) => sign(null, Buffer.from(text), key).toString("base64") };
}

const notPkcs8 = (): Error => new Error("stored agent identity private key is not valid PKCS#8");

interface KeyParts {
  readonly seed: Buffer;
  readonly publicKey?: Buffer;
}

/** By length and head: both forms have one encoding each, so nothing may be left over. */
function splitKey(der: Buffer): KeyParts | undefined {
  const seed = der.subarray(plainHead.length, plainHead.length + seedBytes);
  if (der.length === plainHead.length + seedBytes) {
    return der.subarray(0, plainHead.length).equals(plainHead) ? { seed } : undefined;
  }
  const tail = der.subarray(pairHead.length + seedBytes);
  if (tail.length !== publicKeyHead.length + seedBytes) return undefined;
  if (!der.subarray(0, pairHead.length).equals(pairHead)) return undefined;
  if (!tail.subarray(0, publicKeyHead.length).equals(publicKeyHead)) return undefined;
  return { seed, publicKey: tail.subarray(publicKeyHead.length) };
}
