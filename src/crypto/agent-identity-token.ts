/** The JWT in which a Codex agent identity travels: RS256 by one issuer for one audience. */
import { errors, jwtVerify } from "jose";
import { agentIdentityIssuer, appServerAudience } from "../protocol/agent-identity.ts";
import { readCompactToken } from "./compact-jws.ts";
import type { KeySource } from "./key-set.ts";
import type { JsonObject } from "./strict-json.ts";

/** How long after `exp` a token still counts. `iat` must be there and is not compared with the clock. */
const expiryLeewaySeconds = 60;
const maxShownKid = 64;

/** Why a token is refused. The text holds nothing of the token but its `kid`. */
export class AgentIdentityTokenError extends Error {
  override readonly name = "AgentIdentityTokenError";
}

interface UnverifiedAgentIdentity {
  readonly kid: string;
  readonly claims: JsonObject;
}

/** Reads the token without trusting it. Throws `AgentIdentityTokenError`. */
export function decodeAgentIdentityToken(token: string): UnverifiedAgentIdentity {
  const read = readCompactToken(token);
  if (read === undefined) {
    throw new AgentIdentityTokenError(
      "failed to decode agent identity JWT: invalid agent identity JWT format",
    );
  }
  const { kid, alg } = read.header;
  for (const name of ["iat", "exp"]) {
    if (!isTime(read.claims[name])) throw missingClaim(name);
  }
  for (const name of ["iss", "aud"]) {
    if (typeof read.claims[name] !== "string") throw missingClaim(name);
  }
  if (typeof kid !== "string" || kid === "") {
    throw new AgentIdentityTokenError("agent identity JWT header does not include a kid");
  }
  if (alg !== "RS256") throw refused("it is not signed with RS256");
  return { kid, claims: read.claims };
}

/** Unix seconds that a `Date` can hold. */
const isTime = (value: unknown): boolean =>
  Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= 8.64e12;

/** A claim that is not there, or is of the wrong kind. */
export const missingClaim = (name: string): AgentIdentityTokenError =>
  new AgentIdentityTokenError(
    `failed to decode agent identity JWT: the claim ${name} is missing or not valid`,
  );

/** Checks signature, issuer, audience and expiry. Throws `AgentIdentityTokenError`. */
export async function verifyAgentIdentityToken(
  token: string,
  keys: KeySource,
  nowMs: number,
): Promise<void> {
  const { kid, claims } = decodeAgentIdentityToken(token);
  const found = await keys.find(kid);
  if (found === undefined || found.algorithm !== "RS256") {
    const shown = kid.replaceAll(/[^\x21-\x7e]/g, "?").slice(0, maxShownKid);
    throw new AgentIdentityTokenError(`agent identity JWT kid ${shown} is not trusted`);
  }
  try {
    await jwtVerify(token, found.key, {
      algorithms: ["RS256"],
      issuer: agentIdentityIssuer,
      audience: appServerAudience,
      requiredClaims: ["iss", "aud", "iat", "exp"],
      clockTolerance: expiryLeewaySeconds,
      currentDate: new Date(nowMs),
    });
  } catch (error) {
    throw refused(reasonOf(error, claims));
  }
}

const refused = (why: string): AgentIdentityTokenError =>
  new AgentIdentityTokenError(`failed to verify agent identity JWT: ${why}`);

function reasonOf(error: unknown, { exp }: JsonObject): string {
  if (error instanceof errors.JWTExpired) {
    return `it expired at ${new Date(Number(exp) * 1000).toISOString()}`;
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "iss") return `its issuer is not ${agentIdentityIssuer}`;
    if (error.claim === "aud") return `its audience is not ${appServerAudience}`;
    return `its claim ${error.claim} is not accepted`;
  }
  return "its signature does not fit its key";
}
