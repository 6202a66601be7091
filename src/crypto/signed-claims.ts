/** Claims under an ES256 signature, made and checked at once: for those who cannot wait, such as a log that keeps its order. */
import { createPrivateKey, createPublicKey, sign, verify, type JsonWebKey } from "node:crypto";
import { readCompactToken } from "./compact-jws.ts";
import { readSigningKey } from "./signing-key.ts";
import type { JsonObject } from "./strict-json.ts";

/** The public half of a P-256 key as a JWK; `kid` is its RFC 7638 thumbprint. */
export interface PublicKey {
  readonly kid: string;
  readonly x: string;
  readonly y: string;
}

export interface ClaimSigner {
  readonly key: PublicKey;
  /** A compact JWS (RFC 7515) whose payload is the claims as JSON. */
  sign(type: string, claims: Readonly<Record<string, string | number>>): string;
}

/** Reads what `newSigningKeyText` wrote. Rejects as `readSigningKey` does. */
export async function readClaimSigner(text: string): Promise<ClaimSigner> {
  const { kid, publicJwk } = await readSigningKey(text);
  const privateJwk: JsonWebKey = JSON.parse(text);
  const key = createPrivateKey({ key: privateJwk, format: "jwk" });
  return {
    key: { kid, x: publicJwk.x ?? "", y: publicJwk.y ?? "" },
    sign(type, claims) {
      const input = `${encoded({ alg: "ES256", kid, typ: type })}.${encoded(claims)}`;
      const signature = sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" });
      return `${input}.${signature.toString("base64url")}`;
    },
  };
}

/** The claims, if one of the keys signed exactly them as `type`; else undefined. */
export function verifiedClaims(
  token: string,
  type: string,
  keys: readonly PublicKey[],
): JsonObject | undefined {
  const read = readCompactToken(token);
  if (read === undefined || read.header["alg"] !== "ES256" || read.header["typ"] !== type) {
    return undefined;
  }
  const key = keys.find(({ kid }) => kid === read.header["kid"]);
  const at = token.lastIndexOf(".");
  const signature = Buffer.from(token.slice(at + 1), "base64url");
  if (key === undefined || !holds(key, Buffer.from(token.slice(0, at)), signature)) {
    return undefined;
  }
  return read.claims;
}

function holds({ x, y }: PublicKey, input: Buffer, signature: Buffer): boolean {
  try {
    const key = createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
    return verify("sha256", input, { key, dsaEncoding: "ieee-p1363" }, signature);
  } catch {
    return false;
  }
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
