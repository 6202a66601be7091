/** Public keys for signatures, found by an opaque `kid`: RFC 7517 with what RFC 8725 asks. */
import { calculateJwkThumbprint, importJWK, type CryptoKey, type JWK } from "jose";
import { decodeBase64url } from "./base64.ts";
import { readEd25519Point } from "./ed25519.ts";
import { rsaWeakness } from "./rsa-weakness.ts";

export type SignatureAlgorithm = "ES256" | "EdDSA" | "RS256";

export interface VerificationKey {
  readonly kid: string;
  /** One key, one algorithm. */
  readonly algorithm: SignatureAlgorithm;
  readonly key: CryptoKey;
  /** RFC 7638, SHA-256. */
  readonly thumbprint: string;
}

/** Where the keys of one issuer come from. */
export interface KeySource {
  /** `kid` is compared, never interpreted. Undefined when there is no such key. Throws `KeysUnavailable`. */
  find(kid: string): Promise<VerificationKey | undefined>;
}

/** A key or key set that must not be used; the text names the rule, never key material. */
export class KeySetError extends Error {
  override readonly name = "KeySetError";
}

/** Nobody can say now which keys the issuer has. */
export class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";
}

/** Imports a JWKS of our own. Throws `KeySetError` when any key of it breaks a rule or a `kid` stands twice. */
export async function keySet(jwks: readonly object[]): Promise<KeySource> {
  const keys = new Map<string, VerificationKey>();
  for (const jwk of jwks) {
    const imported = await importKey(jwk);
    if (keys.has(imported.kid)) throw new KeySetError("two keys share one kid");
    keys.set(imported.kid, imported);
  }
  return { find: async (kid) => keys.get(kid) };
}

/** Imports the usable keys of somebody else's JWKS; keys of which one `kid` stands twice are all left out. */
export async function usableKeys(
  jwks: readonly object[],
): Promise<ReadonlyMap<string, VerificationKey>> {
  const kids = jwks.map((jwk) => memberOf(jwk, "kid"));
  const keys = new Map<string, VerificationKey>();
  for (const [index, jwk] of jwks.entries()) {
    const kid = kids[index];
    if (kids.indexOf(kid) !== kids.lastIndexOf(kid)) continue;
    try {
      const imported = await importKey(jwk);
      keys.set(imported.kid, imported);
    } catch (error) {
      if (!(error instanceof KeySetError)) throw error;
    }
  }
  return keys;
}

/** Checks one public JWK for the verification of signatures. Throws `KeySetError`. */
export function checkJwk(jwk: object): { kid: string; algorithm: SignatureAlgorithm } {
  const kid = memberOf(jwk, "kid");
  if (typeof kid !== "string" || kid === "") throw new KeySetError("a key has no kid");
  if (Object.hasOwn(jwk, "d") || Object.hasOwn(jwk, "k")) {
    throw new KeySetError("a published key holds private members");
  }
  const [use, operations, alg] = ["use", "key_ops", "alg"].map((name) => memberOf(jwk, name));
  if (use !== undefined && use !== "sig") {
    throw new KeySetError("the key is not for signatures (use)");
  }
  if (operations !== undefined && !isVerifyOnly(operations)) {
    throw new KeySetError("the key is not for signatures (key_ops)");
  }
  const algorithm = algorithmOf(jwk);
  if (algorithm === undefined) throw new KeySetError("the key type is not supported");
  if (alg !== undefined && alg !== algorithm) {
    throw new KeySetError("the key is for another algorithm (alg)");
  }
  const weakness =
    algorithm === "RS256"
      ? rsaWeakness({ n: memberOf(jwk, "n"), e: memberOf(jwk, "e") })
      : undefined;
  if (weakness !== undefined) throw new KeySetError(weakness);
  return { kid, algorithm };
}

async function importKey(jwk: object): Promise<VerificationKey> {
  const { kid, algorithm } = checkJwk(jwk);
  const members = keyMembers(jwk, algorithm);
  if (algorithm === "EdDSA" && !isStrongPoint(members.x)) {
    throw new KeySetError("the Ed25519 key is no point that can be trusted");
  }
  const key = await importJWK(members, algorithm).catch(() => undefined);
  if (key === undefined || key instanceof Uint8Array) {
    throw new KeySetError("the key cannot be imported");
  }
  return { kid, algorithm, key, thumbprint: await calculateJwkThumbprint(members) };
}

/** What makes the key, and nothing else of what was published with it. */
function keyMembers(jwk: object, algorithm: SignatureAlgorithm): JWK {
  const text = (name: string): string => {
    const value = memberOf(jwk, name);
    if (typeof value !== "string") throw new KeySetError("the key cannot be imported");
    return value;
  };
  if (algorithm === "RS256") return { kty: "RSA", n: text("n"), e: text("e") };
  if (algorithm === "EdDSA") return { kty: "OKP", crv: "Ed25519", x: text("x") };
  return { kty: "EC", crv: "P-256", x: text("x"), y: text("y") };
}

function isStrongPoint(x = ""): boolean {
  const bytes = decodeBase64url(x);
  return bytes !== undefined && readEd25519Point(bytes) !== undefined;
}

function memberOf(jwk: object, name: string): unknown {
  return Object.hasOwn(jwk, name) ? Reflect.get(jwk, name) : undefined;
}

const isVerifyOnly = (operations: unknown): boolean =>
  Array.isArray(operations) && operations.length === 1 && operations[0] === "verify";

function algorithmOf(jwk: object): SignatureAlgorithm | undefined {
  const [kty, crv] = [memberOf(jwk, "kty"), memberOf(jwk, "crv")];
  if (kty === "EC" && crv === "P-256") return "ES256";
  if (kty === "OKP" && crv === "Ed25519") return "EdDSA";
  return kty === "RSA" ? "RS256" : undefined;
}
