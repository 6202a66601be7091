/** Verifies JWTs of trusted issuers: RFC 8725, with nothing left to a library's defaults. */
import { readCompactToken } from "./compact-jws.ts";
import { JwsVerifier, type TrustedKeys } from "./jws-verifier.ts";
import { KeysUnavailable, type VerificationKey } from "./key-set.ts";
import type { JsonObject } from "./strict-json.ts";

export interface TrustedIssuer extends TrustedKeys {
  /** Compared with `iss` as it stands. */
  readonly issuer: string;
  /** Compared with `aud`, which must be one string. */
  readonly audience: string;
  /** Accepted values of the header's `typ`, compared exactly; `undefined` among them: it may be absent. */
  readonly types: readonly (string | undefined)[];
  /** Where the subject stands: names of members from the outside in. */
  readonly subject: readonly string[];
}

export interface VerifiedToken {
  readonly issuer: string;
  readonly subject: string;
  /** The header's `typ`. */
  readonly type: string | undefined;
  /** Unix times in seconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly claims: JsonObject;
  readonly key: VerificationKey;
}

/** Why a token is refused. The text never holds a part of the token. */
export class TokenError extends Error {
  override readonly name = "TokenError";
  readonly reason: "invalid" | "expired" | "wrongType" | "keysUnavailable";

  constructor(reason: TokenError["reason"]) {
    super(`token refused: ${reason}`);
    this.reason = reason;
  }
}

const maxSubjectLength = 255;
/** How far `iat` and `nbf` may lie ahead when clocks differ. `exp` has no grace. */
const clockSkewSeconds = 5;

export class TokenVerifier {
  readonly #issuers: ReadonlyMap<string, TrustedIssuer>;
  readonly #signatures = new JwsVerifier();

  constructor(issuers: readonly TrustedIssuer[]) {
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
  }

  /** Throws `TokenError`. */
  async verify(token: string, nowMs: number): Promise<VerifiedToken> {
    const read = readCompactToken(token);
    if (read === undefined) throw new TokenError("invalid");
    const { header, claims } = read;
    const trusted =
      typeof claims["iss"] === "string" ? this.#issuers.get(claims["iss"]) : undefined;
    if (trusted === undefined || claims["aud"] !== trusted.audience) {
      throw new TokenError("invalid");
    }
    const times = checkTimes(claims, nowMs);
    const key = await this.#signatures.signer(token, header, trusted).catch(unavailable);
    if (key === undefined) throw new TokenError("invalid");
    const { typ: type } = header;
    if (type !== undefined && typeof type !== "string") throw new TokenError("wrongType");
    if (!trusted.types.includes(type)) throw new TokenError("wrongType");
    const subject = claimAt(claims, trusted.subject);
    if (typeof subject !== "string" || subject === "" || subject.length > maxSubjectLength) {
      throw new TokenError("invalid");
    }
    if (times.expiresAt * 1000 <= nowMs) throw new TokenError("expired");
    return { issuer: trusted.issuer, subject, type, ...times, claims, key };
  }

  /** For a token that was verified and refused all the same: see `JwsVerifier.forget`. */
  forget(token: string): void {
    this.#signatures.forget(token);
  }
}

/** The claim at a path of member names; undefined where there is none. */
export function claimAt(claims: JsonObject, path: readonly string[]): unknown {
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) {
      return undefined;
    }
    value = Reflect.get(value, name);
  }
  return value;
}

function unavailable(error: unknown): never {
  throw error instanceof KeysUnavailable ? new TokenError("keysUnavailable") : error;
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
