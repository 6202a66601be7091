/**
 * Whether the host is the one that this device knows: a JWS over the device's own fresh nonce, by a
 * key whose thumbprint the device has from a pairing link, or from the words that a person compared.
 */
import type { hostProofType as HostProofType } from "../protocol/auth-api.ts";
import { bytesOf, randomBase64url, sha256Base64url, utf8 } from "./bytes.ts";
import { Refused } from "./refused.ts";

const hostProofType: typeof HostProofType = "farhelm-host-proof+jwt";
const curve = { name: "ECDSA", namedCurve: "P-256" } as const;

/** For `hostNonce`; 32 random bytes. */
export const newHostNonce = (): string => randomBase64url(32);

export interface ExpectedProof {
  readonly origin: string;
  /** The `hostNonce` that was sent. Fresh, so that the times in the proof need no clock. */
  readonly nonce: string;
  /** The challenge's id; of a connection, the session's. */
  readonly challenge: string;
  /** `accountUserId` of the challenge: the host's id. */
  readonly hostId: string;
  /** The thumbprint that must be the key's; undefined: any. */
  readonly fingerprint: string | undefined;
}

/** The key's thumbprint. Rejects with `Refused`. */
export async function checkHostProof(
  proof: string | undefined,
  expected: ExpectedProof,
): Promise<string> {
  const thumbprint = await provenThumbprint(proof ?? "", expected).catch(() => undefined);
  if (thumbprint === undefined) throw new Refused(0, otherHost);
  return thumbprint;
}

async function provenThumbprint(
  proof: string,
  expected: ExpectedProof,
): Promise<string | undefined> {
  const [head = "", body = "", signature = "", ...more] = proof.split(".");
  const header = membersOf(head);
  const claims = membersOf(body);
  const { x, y } = membersIn(header["jwk"]);
  const thumbprint = await sha256Base64url(JSON.stringify({ crv: "P-256", kty: "EC", x, y }));
  const fits =
    more.length === 0 &&
    header["alg"] === "ES256" &&
    header["typ"] === hostProofType &&
    (expected.fingerprint ?? thumbprint) === thumbprint &&
    expected.hostId === `urn:farhelm:host:${thumbprint}` &&
    claims["iss"] === expected.hostId &&
    claims["aud"] === expected.origin &&
    claims["nonce"] === expected.nonce &&
    claims["challenge"] === expected.challenge;
  if (!fits) return undefined;
  const jwk = { kty: "EC", crv: "P-256", x: String(x), y: String(y) };
  const key = await crypto.subtle.importKey("jwk", jwk, curve, false, ["verify"]);
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const signed = utf8(`${head}.${body}`);
  const holds = await crypto.subtle.verify(algorithm, key, bytesOf(signature), signed);
  return holds ? thumbprint : undefined;
}

const membersOf = (part: string): Readonly<Record<string, unknown>> =>
  membersIn(JSON.parse(new TextDecoder().decode(bytesOf(part))));

const membersIn = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? { ...value } : {};

const otherHost = {
  code: "host_mismatch",
  message:
    "What answers here cannot show the key of the host that this link or device belongs to. Nothing was signed.",
  nextStep:
    "Check the address. If the host was set up anew, run `npx farhelm pair` on it and open the new link.",
};
