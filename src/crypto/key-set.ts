/** Public keys for signatures, found by an opaque `kid`: RFC 7517 with what RFC 8725 asks. */
import { importJWK, type CryptoKey, type JWK } from "jose";
import { rsaWeakness } from "./rsa-weakness.ts";

export type SignatureAlgorithm = "ES256" | "EdDSA" | "RS256";

interface VerificationKey {
  readonly kid: string;
  /** One key, one algorithm. */
  readonly algorithm: SignatureAlgorithm;
  readonly key: CryptoKey;
}

/** Where the keys of one issuer come from. */
export interface KeySource {
  /** `kid` is compared, never interpreted. Undefined when there is no such key. */
  find(kid: string): Promise<VerificationKey | undefined>;
}

/** A key set that must not be used; the text names the rule, never key material. */
export class KeySetError extends Error {
  override readonly name = "KeySetError";
}

/** Imports a JWKS. Throws `KeySetError` when any key of it breaks a rule or a `kid` stands twice. */
export async function keySet(jwks: readonly JWK[]): Promise<KeySource> {
  const keys = new Map<string, VerificationKey>();
  for (const jwk of jwks) {
    const { kid, algorithm } = checkJwk(jwk);
    if (keys.has(kid)) throw new KeySetError("two keys share one kid");
    const key = await importJWK(jwk, algorithm).catch(() => undefined);
    if (key === undefined || key instanceof Uint8Array) {
      throw new KeySetError("the key cannot be imported");
    }
    keys.set(kid, { kid, algorithm, key });
  }
  return { find: async (kid) => keys.get(kid) };
}

/** Checks one public JWK for the verification of signatures. Throws `KeySetError`. */
export function checkJwk(jwk: JWK): { kid: string; algorithm: SignatureAlgorithm } {
  if (typeof jwk.kid !== "string" || jwk.kid === "") throw new KeySetError("a key has no kid");
  if ("d" in jwk || "k" in jwk) throw new KeySetError("a published key holds private members");
  if (jwk.use !== undefined && jwk.use !== "sig") {
    throw new KeySetError("the key is not for signatures (use)");
  }
  if (jwk.key_ops !== undefined && !isVerifyOnly(jwk.key_ops)) {
    throw new KeySetError("the key is not for signatures (key_ops)");
  }
  const algorithm = algorithmOf(jwk);
  if (algorithm === undefined) throw new KeySetError("the key type is not supported");
  if (jwk.alg !== undefined && jwk.alg !== algorithm) {
    throw new KeySetError("the key is for another algorithm (alg)");
  }
  const weakness = algorithm === "RS256" ? rsaWeakness(jwk) : undefined;
  if (weakness !== undefined) throw new KeySetError(weakness);
  return { kid: jwk.kid, algorithm };
}

const isVerifyOnly = (operations: unknown): boolean =>
  Array.isArray(operations) && operations.length === 1 && operations[0] === "verify";

function algorithmOf(jwk: JWK): SignatureAlgorithm | undefined {
  if (jwk.kty === "EC" && jwk.crv === "P-256") return "ES256";
  if (jwk.kty === "OKP" && jwk.crv === "Ed25519") return "EdDSA";
  return jwk.kty === "RSA" ? "RS256" : undefined;
}
