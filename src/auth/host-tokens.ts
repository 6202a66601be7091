/** The tokens that this host issues about its devices and headless clients. */
import { keySet } from "../crypto/key-set.ts";
import { randomId } from "../crypto/random.ts";
import type { SigningKey } from "../crypto/signing-key.ts";
import {
  TokenError,
  TokenVerifier,
  type TrustedIssuer,
  type VerifiedToken,
} from "../crypto/token-verifier.ts";
import { appServerAudience } from "../protocol/agent-identity.ts";
import { hostProofType } from "../protocol/auth-api.ts";

/** Values of `typ`. A token of one type is never taken for the other. */
export const deviceTokenType = "farhelm-device+jwt";
export const headlessTokenType = "farhelm-headless+jwt";

const generationType = "farhelm-generation+jwt";

/** Apart from the other tokens' audience: a statement about the count opens nothing. */
const generationAudience = "farhelm-access-generation";
/** Devices keep it for as long as a backup may be kept. */
const generationLifeSeconds = 10 * 365 * 24 * 60 * 60;
const deviceTokenLifeSeconds = 600;
/** As long as the challenge that it belongs to. */
const hostProofLifeSeconds = 120;

export interface HostTokens {
  /** Names this host in `iss` and in signed payloads. */
  readonly hostId: string;
  /** RFC 7638 thumbprint of the host's key. */
  readonly hostFingerprint: string;
  /** Bound to the device's key by `cnf.jkt`; `expiresAt` in Unix seconds. */
  issueDevice(deviceId: string, thumbprint: string): Promise<{ token: string; expiresAt: number }>;
  issueHeadless(id: string, expiresAt: number): Promise<string>;
  /** What a verifier of tokens must know of this host. */
  readonly issuer: TrustedIssuer;
  /** A token of this host and of this type. Throws `TokenError`. */
  verify(token: string, type: string): Promise<VerifiedToken>;
  /** The host's word that its access generation reached this number. */
  stateGeneration(generation: number): Promise<string>;
  /** The number in a statement of this host; undefined where it is none. */
  readGeneration(statement: string): Promise<number | undefined>;
  /** Shows the host's key to who sent `nonce`: a JWS that carries its public key, as in RFC 9449. */
  proveHost(facts: { nonce: string; origin: string; challenge: string }): Promise<string>;
  jwks(): { readonly keys: readonly object[] };
}

export async function hostTokens(key: SigningKey, nowMs: () => number): Promise<HostTokens> {
  const hostId = `urn:farhelm:host:${key.kid}`;
  const keys = await keySet([key.publicJwk]);
  const issuer: TrustedIssuer = {
    issuer: hostId,
    audience: appServerAudience,
    algorithms: ["ES256"],
    types: [deviceTokenType, headlessTokenType],
    subject: ["sub"],
    keys,
  };
  const verifier = new TokenVerifier([issuer]);
  const generations = new TokenVerifier([
    { ...issuer, audience: generationAudience, types: [generationType] },
  ]);

  const sign = (
    type: string,
    id: string,
    expiresAt: number,
    more: Record<string, unknown>,
  ): Promise<string> =>
    key.sign(type, {
      iss: hostId,
      aud: appServerAudience,
      sub: id,
      iat: Math.floor(nowMs() / 1000),
      exp: expiresAt,
      jti: randomId("jti"),
      ...more,
    });

  return {
    hostId,
    hostFingerprint: key.kid,
    async issueDevice(deviceId, thumbprint) {
      const expiresAt = Math.floor(nowMs() / 1000) + deviceTokenLifeSeconds;
      const claims = {
        agent_runtime_id: deviceId,
        account_id: hostId,
        cnf: { jkt: thumbprint },
      };
      return { token: await sign(deviceTokenType, deviceId, expiresAt, claims), expiresAt };
    },
    issueHeadless: (id, expiresAt) => sign(headlessTokenType, id, expiresAt, {}),
    issuer,
    async verify(token, type) {
      const verified = await verifier.verify(token, nowMs());
      if (verified.type !== type) throw new TokenError("wrongType");
      return verified;
    },
    stateGeneration(generation) {
      const issuedAt = Math.floor(nowMs() / 1000);
      return key.sign(generationType, {
        iss: hostId,
        aud: generationAudience,
        sub: hostId,
        iat: issuedAt,
        exp: issuedAt + generationLifeSeconds,
        generation,
      });
    },
    async readGeneration(statement) {
      try {
        const { claims } = await generations.verify(statement, nowMs());
        return Number.isSafeInteger(claims["generation"])
          ? Number(claims["generation"])
          : undefined;
      } catch (error) {
        if (error instanceof TokenError) return undefined;
        throw error;
      }
    },
    proveHost({ nonce, origin, challenge }) {
      const iat = Math.floor(nowMs() / 1000);
      const exp = iat + hostProofLifeSeconds;
      const claims = { iss: hostId, aud: origin, nonce, challenge, iat, exp };
      return key.sign(hostProofType, claims, { withKey: true });
    },
    jwks: () => ({ keys: [key.publicJwk] }),
  };
}

/** `cnf.jkt` of a device's token. */
export function boundThumbprint(token: VerifiedToken): string | undefined {
  const confirmation = token.claims["cnf"];
  if (typeof confirmation !== "object" || confirmation === null) return undefined;
  return "jkt" in confirmation && typeof confirmation.jkt === "string"
    ? confirmation.jkt
    : undefined;
}
