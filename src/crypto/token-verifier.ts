/** Verifies JWTs of trusted issuers: RFC 8725, with nothing left to a library's defaults. */
import { errors, jwtVerify } from "jose";
import { readCompactToken } from "./compact-jwt.ts";
import type { KeySource, SignatureAlgorithm } from "./key-set.ts";
import type { JsonObject } from "./strict-json.ts";
import { VerifiedSignatures } from "./verified-signatures.ts";

interface TrustedIssuer {
  /** Compared with `iss` as it stands. */
  readonly issuer: string;
  /** Compared with `aud`, which must be one string. */
  readonly audience: string;
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly keys: KeySource;
}

export interface VerifiedToken {
  readonly issuer: string;
  readonly subject: string;
  /** The header's `typ`, one of those that were asked for. */
  readonly type: string;
  /** Unix times in seconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly claims: JsonObject;
}

/** Why a token is refused. The text never holds a part of the token. */
export class TokenError extends Error {
  override readonly name = "TokenError";
  readonly reason: "invalid" | "expired" | "wrongType";

  constructor(reason: TokenError["reason"]) {
    super(`token refused: ${reason}`);
    this.reason = reason;
  }
}

/** Headers that point at keys or change what is signed. */
const refusedHeaders = ["jku", "jwk", "x5u", "x5c", "b64", "crit"];
const maxKidLength = 128;
/** How far `iat` and `nbf` may lie ahead when clocks differ. `exp` has no grace. */
const clockSkewSeconds = 5;

export class TokenVerifier {
  readonly #issuers: ReadonlyMap<string, TrustedIssuer>;
  readonly #verified = new VerifiedSignatures();

  constructor(issuers: readonly TrustedIssuer[]) {
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
  }

  /** `types`: the accepted values of `typ`, compared exactly. Throws `TokenError`. */
  async verify(token: string, types: readonly string[], nowMs: number): Promise<VerifiedToken> {
    const read = readCompactToken(token);
    if (read === undefined) throw new TokenError("invalid");
    const { header, claims } = read;
    if (refusedHeaders.some((name) => name in header)) throw new TokenError("invalid");
    const trusted =
      typeof claims["iss"] === "string" ? this.#issuers.get(claims["iss"]) : undefined;
    if (trusted === undefined || claims["aud"] !== trusted.audience) {
      throw new TokenError("invalid");
    }
    const times = checkTimes(claims, nowMs);
    await this.#checkSignature(token, header, trusted, nowMs);
    const { typ } = header;
    if (typeof typ !== "string" || !types.includes(typ)) throw new TokenError("wrongType");
    const subject = claims["sub"];
    if (typeof subject !== "string" || subject === "") throw new TokenError("invalid");
    if (times.expiresAt * 1000 <= nowMs) throw new TokenError("expired");
    return { issuer: trusted.issuer, subject, type: typ, ...times, claims };
  }

  async #checkSignature(
    token: string,
    header: JsonObject,
    trusted: TrustedIssuer,
    nowMs: number,
  ): Promise<void> {
    const { key, algorithm } = await trustedKey(header, trusted);
    if (this.#verified.has(token, key)) return;
    try {
      await jwtVerify(token, key, {
        algorithms: [algorithm],
        issuer: trusted.issuer,
        audience: trusted.audience,
        requiredClaims: ["iss", "aud", "sub", "iat", "exp"],
        currentDate: new Date(nowMs),
        clockTolerance: clockSkewSeconds,
      });
    } catch (error) {
      throw new TokenError(error instanceof errors.JWTExpired ? "expired" : "invalid");
    }
    this.#verified.add(token, key);
  }
}

/** Shape and order of the times; whether the token is over is said only after its signature holds. */
function checkTimes(claims: JsonObject, nowMs: number): { issuedAt: number; expiresAt: number } {
  const latest = Math.floor(nowMs / 1000) + clockSkewSeconds;
  const { iat: issuedAt, exp: expiresAt, nbf: notBefore } = claims;
  if (!isTime(issuedAt) || !isTime(expiresAt)) throw new TokenError("invalid");
  if (issuedAt > latest || expiresAt <= issuedAt) throw new TokenError("invalid");
  if (notBefore !== undefined && (!isTime(notBefore) || notBefore > latest)) {
    throw new TokenError("invalid");
  }
  return { issuedAt, expiresAt };
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value);

/** The key that the header names, if it is one of the issuer's and of the algorithm that it claims. */
async function trustedKey(
  { kid, alg }: JsonObject,
  trusted: TrustedIssuer,
): Promise<NonNullable<Awaited<ReturnType<KeySource["find"]>>>> {
  if (typeof kid !== "string" || kid === "" || kid.length > maxKidLength) {
    throw new TokenError("invalid");
  }
  const found = await trusted.keys.find(kid);
  if (found === undefined || alg !== found.algorithm) throw new TokenError("invalid");
  if (!trusted.algorithms.includes(found.algorithm)) throw new TokenError("invalid");
  return found;
}
