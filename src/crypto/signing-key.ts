/** The private key of an issuer of our own: ES256, kept as a JWK. */
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  SignJWT,
  type CryptoKey,
  type JWK,
} from "jose";
import { isJsonObject } from "./strict-json.ts";

export interface SigningKey {
  readonly kid: string;
  readonly publicJwk: JWK;
  /** `claims` as they stand; header: `alg`, `kid`, `typ`, and on wish `jwk`, the public key. */
  sign(
    type: string,
    claims: Readonly<Record<string, unknown>>,
    options?: { readonly withKey: boolean },
  ): Promise<string>;
}

/** A new P-256 key as the text of a private JWK; `kid` is its RFC 7638 thumbprint. */
export async function newSigningKeyText(): Promise<string> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  return `${JSON.stringify({ ...jwk, kid, alg: "ES256", use: "sig" })}\n`;
}

/** Reads what `newSigningKeyText` wrote. Throws when it is anything else; the text names no key material. */
export async function readSigningKey(text: string): Promise<SigningKey> {
  const { x, y, d, kid } = privateMembers(text);
  const publicJwk = { kty: "EC", crv: "P-256", x, y, kid, alg: "ES256", use: "sig" };
  if ((await calculateJwkThumbprint(publicJwk)) !== kid) {
    throw new Error("its kid does not belong to its key");
  }
  const key = await importJWK({ ...publicJwk, d }, "ES256").catch(() => undefined);
  if (key === undefined || key instanceof Uint8Array) throw new Error("its key is not valid");
  const jwk = { kty: "EC", crv: "P-256", x, y };
  return {
    kid,
    publicJwk,
    sign: (type, claims, options) =>
      signed(key, { kid, typ: type, ...(options?.withKey === true && { jwk }) }, claims),
  };
}

function privateMembers(text: string): { x: string; y: string; d: string; kid: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("it is not JSON");
  }
  if (!isJsonObject(value) || value["kty"] !== "EC" || value["crv"] !== "P-256") {
    throw new Error("it is not a P-256 key");
  }
  const { x, y, d, kid } = value;
  if (
    typeof x !== "string" ||
    typeof y !== "string" ||
    typeof d !== "string" ||
    typeof kid !== "string"
  ) {
    throw new Error("it is not a private P-256 key with a kid");
  }
  return { x, y, d, kid };
}

const signed = (
  key: CryptoKey,
  header: { readonly kid: string; readonly typ: string; readonly jwk?: JWK },
  claims: Readonly<Record<string, unknown>>,
): Promise<string> =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg: "ES256", ...header }).sign(key);
