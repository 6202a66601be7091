/** Wycheproof's signed texts and key sets. */
import { expect } from "vitest";
import { z } from "zod";
import { readCompactJws } from "../../src/crypto/compact-jws.ts";
import { JwsVerifier } from "../../src/crypto/jws-verifier.ts";
import { keySet, usableKeys } from "../../src/crypto/key-set.ts";
import { sharedVectors } from "../unit/crypto/vectors.ts";
import { attack } from "./attack.ts";

const Jwk = z.looseObject({ kty: z.string() });
const result = z.enum(["valid", "invalid", "acceptable"]);
const JwsFile = z.object({
  testGroups: z.array(
    z.object({
      public: Jwk.optional(),
      private: Jwk,
      tests: z.array(z.object({ tcId: z.int(), jws: z.unknown(), result })),
    }),
  ),
});
const KeyFile = z.object({
  testGroups: z.array(
    z.object({
      public: z.object({ keys: z.array(Jwk) }).optional(),
      private: z.object({ keys: z.array(Jwk) }),
      tests: z.array(z.object({ tcId: z.int(), jws: z.string(), result })),
    }),
  ),
});
const signatures = sharedVectors("wycheproof/json_web_signature_test.json");
const keySets = sharedVectors("wycheproof/json_web_key_test.json");
const ours = ["RS256", "ES256", "EdDSA"] as const;

async function verdict(jws: unknown, jwks: readonly object[]): Promise<"valid" | "invalid"> {
  const text = typeof jws === "string" ? jws : JSON.stringify(jws);
  const keys = await usableKeys(jwks);
  const read = readCompactJws(text);
  if (read === undefined) return "invalid";
  const source = { algorithms: ours, keys: { find: async (kid: string) => keys.get(kid) } };
  const signer = await new JwsVerifier().signer(text, read.header, source);
  return signer === undefined ? "invalid" : "valid";
}

/** Whether a text names an algorithm of ours and its key: what names none is never looked at. */
function isOurs(jws: unknown): boolean {
  const header = typeof jws === "string" ? readCompactJws(jws)?.header : undefined;
  return ours.some((name) => name === header?.["alg"]) && header?.["kid"] !== undefined;
}

attack(
  "B17",
  "every Wycheproof case of JWS and JWK, by our verifier",
  // Signed texts that are no tokens: they go to the verifier itself, no host hears of them.
  { expect: [], possible: signatures !== undefined && keySets !== undefined },
  async () => {
    let tried = 0;
    let admitted = 0;
    const accepted: number[] = [];
    const refusedThoughValid: unknown[] = [];
    const run = async (id: number, jws: unknown, jwks: readonly object[], said: string) => {
      const found = await verdict(jws, jwks);
      tried += 1;
      if (found === "valid" && said === "invalid") admitted += 1;
      if (found === "valid") accepted.push(id);
      else if (said === "valid" && isOurs(jws)) refusedThoughValid.push([id, jws]);
    };
    for (const { public: open, private: secret, tests } of JwsFile.parse(signatures).testGroups)
      for (const { tcId, jws, result: said } of tests) await run(tcId, jws, [open ?? secret], said);
    for (const { public: open, private: secret, tests } of KeyFile.parse(keySets).testGroups)
      for (const { tcId, jws, result: said } of tests)
        await run(1000 + tcId, jws, (open ?? secret).keys, said);
    expect(refusedThoughValid).toEqual([]);
    expect(accepted).toHaveLength(10);
    await expect(keySet([{ kty: "oct", kid: "x", k: "AAAA" }])).rejects.toThrow("private members");
    return { tried, admitted, accepted: accepted.length };
  },
);
