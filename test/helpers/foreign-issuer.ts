/** An issuer of tokens that is not this host: its keys, and tokens of every shape. */
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";

export type TestAlgorithm = "RS256" | "ES256" | "EdDSA";

export interface IssuerKey {
  readonly kid: string;
  readonly algorithm: TestAlgorithm;
  readonly privateKey: KeyObject;
  /** As a key server publishes it. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

let made = 0;

export function issuerKey(algorithm: TestAlgorithm, kid = `key-${(made += 1)}`): IssuerKey {
  const { publicKey, privateKey } = keyPair(algorithm);
  const jwk = { ...publicKey.export({ format: "jwk" }), kid, alg: algorithm, use: "sig" };
  return { kid, algorithm, privateKey, jwk };
}

export const encodePart = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** A compact JWS of any header and payload; a text stands as it is. */
export function signParts(key: IssuerKey, header: unknown, payload: unknown): string {
  const input = `${encodePart(header)}.${encodePart(payload)}`;
  return `${input}.${signatureOf(key, input)}`;
}

/** A token of `key` with `alg` and `kid` in its header, unless `header` says otherwise. */
export const signToken = (key: IssuerKey, claims: object, header: object = {}): string =>
  signParts(key, { alg: key.algorithm, kid: key.kid, ...header }, claims);

function signatureOf({ algorithm, privateKey }: IssuerKey, input: string): string {
  const bytes = Buffer.from(input);
  if (algorithm === "EdDSA") return sign(null, bytes, privateKey).toString("base64url");
  const key = { key: privateKey, dsaEncoding: "ieee-p1363" as const };
  return sign("sha256", bytes, key).toString("base64url");
}

function keyPair(algorithm: TestAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === "RS256") return generateKeyPairSync("rsa", { modulusLength: 2048 });
  if (algorithm === "EdDSA") return generateKeyPairSync("ed25519");
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}
