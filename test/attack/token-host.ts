/** A host with issuers of tokens, honest tokens for it, and everything that may be done to them. */
import { createPrivateKey } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll } from "vitest";
import { z } from "zod";
import { issuerKey, signParts, type IssuerKey } from "../helpers/foreign-issuer.ts";
import { JwksServer, keysAnswer, stopJwksServers } from "../helpers/jwks-server.ts";
import type { RawAnswer } from "../helpers/raw-http.ts";
import { useHost } from "./attack.ts";
import type { Bench, BenchOptions } from "./bench.ts";

const Members = z.record(z.string(), z.unknown());
export type Members = z.output<typeof Members>;

/** Somebody whose tokens the host takes, and one honest token of theirs, in its parts. */
export interface Signer {
  readonly name: string;
  readonly key: IssuerKey;
  readonly header: Members;
  readonly claims: Members;
}

export const stockIss = "https://chatgpt.com/codex-backend/agent-identity";
const foreignIss = "https://id.example.com/";

export const now = (): number => Math.floor(Date.now() / 1000);

export interface TokenHost {
  readonly server: JwksServer;
  readonly keys: readonly IssuerKey[];
  readonly options: BenchOptions;
}

/** farhelm.toml with an OIDC issuer (RS256, ES256, EdDSA) and the stock identities (RS256), at one key server. */
export async function tokenHost(more = ""): Promise<TokenHost> {
  const keys = [issuerKey("RS256"), issuerKey("ES256"), issuerKey("EdDSA")];
  const server = await JwksServer.start(keysAnswer(keys.map(({ jwk }) => jwk)));
  const toml = `
[[issuers]]
iss = "${foreignIss}"
aud = "farhelm"
jwks_url = "${server.url}"
algorithms = ["RS256", "ES256", "EdDSA"]
claims = { account = "org" }
${more}
[issuers.subjects]
alice = "operator"
[issuers.accounts]
acme = "viewer"

[[issuers]]
iss = "${stockIss}"
jwks_url = "${server.url}/stock"
${more}
[issuers.accounts]
acct-1 = "operator"
`;
  return {
    server,
    keys,
    options: {
      prepare({ farhelmHome }) {
        mkdirSync(farhelmHome, { mode: 0o700 });
        writeFileSync(join(farhelmHome, "farhelm.toml"), toml);
      },
    },
  };
}

/** The host itself, by its own key, and each key of the issuers. */
export async function signersOf(bench: Bench, { keys }: TokenHost): Promise<readonly Signer[]> {
  const own = await ownSigner(bench);
  const foreign = keys.map((key) => ({
    name: `foreign ${key.algorithm}`,
    key,
    header: { alg: key.algorithm, kid: key.kid, typ: "JWT" },
    claims: { iss: foreignIss, aud: "farhelm", sub: "alice", iat: now(), exp: now() + 600 },
  }));
  const [rsa] = keys;
  if (rsa === undefined) throw new Error("there is no RSA key");
  const identity = {
    name: "stock identity",
    key: rsa,
    header: { alg: "RS256", kid: rsa.kid },
    claims: {
      iss: stockIss,
      aud: "codex-app-server",
      agent_runtime_id: "runtime-1",
      account_id: "acct-1",
      chatgpt_user_id: "user-1",
      plan_type: "team",
      iat: now(),
      exp: now() + 600,
    },
  };
  return [own, ...foreign, identity];
}

/** The host's own key and a headless token of it: what is refused of this is refused for its content. */
export async function ownSigner(bench: Bench): Promise<Signer> {
  const token = await bench.token("operator");
  const [header = "", claims = ""] = token.split(".");
  const read = (part: string): Members =>
    Members.parse(JSON.parse(Buffer.from(part, "base64url").toString()));
  const jwk = Members.parse(
    JSON.parse(readFileSync(join(bench.farhelmHome, "issuer-key.json"), "utf8")),
  );
  const privateKey = createPrivateKey({ key: jwk, format: "jwk" });
  return {
    name: "own",
    key: { kid: String(jwk["kid"]), algorithm: "ES256", privateKey, jwk },
    header: read(header),
    claims: read(claims),
  };
}

/** Header and claims may be texts, to stand as they are. */
export const forge = (signer: Signer, header: unknown, claims: unknown): string =>
  signParts(signer.key, header, claims);

export const honest = (signer: Signer): string => forge(signer, signer.header, signer.claims);

export const upgradeWith = (bench: Bench, token: string): Promise<RawAnswer> =>
  bench.upgrade({ Authorization: `Bearer ${token}` });

/** Below what makes an address wait. */
const triesOfAddress = 40;

/** Every token at the door, from as many addresses as that takes. */
export async function tryAll(
  bench: Bench,
  tokens: readonly string[],
): Promise<readonly RawAnswer[]> {
  const answers: RawAnswer[] = [];
  for (const [index, token] of tokens.entries()) {
    if (index % triesOfAddress === 0) bench.moveOn();
    answers.push(await upgradeWith(bench, token));
  }
  return answers;
}

/** Fails where an honest token is refused: then the attack would prove nothing. */
export async function mustAdmit(bench: Bench, tokens: readonly string[]): Promise<void> {
  for (const { status, body } of await tryAll(bench, tokens)) {
    if (status !== 101) throw new Error(`an honest token is refused: ${status} ${body}`);
  }
}

/** What was said, and how often; for tables and for one expectation over all answers. */
export function tally(answers: readonly RawAnswer[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const said = `${status} ${body}`;
    counts[said] = (counts[said] ?? 0) + 1;
  }
  return counts;
}

/** For a file of attacks: they meet such a host. Gives it once the host is up. */
export function useTokenHost(more?: string): () => TokenHost {
  let made: TokenHost | undefined;
  useHost(async () => {
    made = await tokenHost(more);
    return made.options;
  });
  afterAll(stopJwksServers);
  return () => {
    if (made === undefined) throw new Error("there is no host");
    return made;
  };
}

/** The claims with one of them another; undefined takes it out. */
export const withClaims = (signer: Signer, ...changes: readonly Members[]): readonly string[] =>
  changes.map((change) => forge(signer, signer.header, { ...signer.claims, ...change }));
export const withHeaders = (signer: Signer, ...changes: readonly Members[]): readonly string[] =>
  changes.map((change) => forge(signer, { ...signer.header, ...change }, signer.claims));

export const invalidText = "401 invalid websocket bearer token";
