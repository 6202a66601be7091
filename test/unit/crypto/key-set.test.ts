import { generateKeyPairSync } from "node:crypto";
import type { JWK } from "jose";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { checkJwk, keySet, KeySetError } from "../../../src/crypto/key-set.ts";
import { sharedVectors } from "./vectors.ts";

const publicJwk = (key: { export(options: { format: "jwk" }): object }): JWK => ({
  ...key.export({ format: "jwk" }),
  kid: "k1",
});
const ec = publicJwk(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey);
const ed = publicJwk(generateKeyPairSync("ed25519").publicKey);
const rsa = publicJwk(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey);
const smallRsa = publicJwk(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey);

const JwkFile = z.object({
  testGroups: z.array(
    z.object({
      public: z.object({ keys: z.array(z.looseObject({ kty: z.string() })) }).optional(),
      tests: z.array(z.object({ tcId: z.int() })),
    }),
  ),
});
const wycheproof = sharedVectors("wycheproof/json_web_key_test.json");

describe("a published key", () => {
  it("stands for one algorithm", () => {
    expect([ec, ed, rsa].map((jwk) => checkJwk(jwk).algorithm)).toEqual([
      "ES256",
      "EdDSA",
      "RS256",
    ]);
    expect(checkJwk({ ...ec, use: "sig", key_ops: ["verify"], alg: "ES256" })).toEqual({
      kid: "k1",
      algorithm: "ES256",
    });
  });

  it.each<[string, JWK]>([
    ["without kid", { ...ec, kid: "" }],
    ["for encryption", { ...ec, use: "enc" }],
    ["for signing", { ...ec, key_ops: ["sign"] }],
    ["for verifying and more", { ...ec, key_ops: ["verify", "sign"] }],
    ["for another algorithm", { ...rsa, alg: "PS256" }],
    ["for HMAC by its alg", { ...rsa, alg: "HS256" }],
    ["symmetric", { kty: "oct", k: "AAAA", kid: "k1" }],
    ["private", { ...ec, d: "AAAA" }],
    ["on another curve", { ...ec, crv: "P-384" }],
    ["RSA of 1024 bits", smallRsa],
    ["RSA padded with zeros", { ...smallRsa, n: `${"A".repeat(172)}${smallRsa.n}` }],
    ["RSA with exponent 1", { ...rsa, e: "AQ" }],
    ["RSA with exponent 3", { ...rsa, e: "Aw" }],
    ["RSA with an even exponent", { ...rsa, e: "AQAC" }],
    ["RSA without exponent", { ...rsa, e: "" }],
  ])("is refused: %s", (_, jwk) => {
    expect(() => checkJwk(jwk)).toThrow(KeySetError);
  });

  it("is found by its kid and by nothing else", async () => {
    const keys = await keySet([ec, { ...ed, kid: "k2" }]);
    expect((await keys.find("k2"))?.algorithm).toBe("EdDSA");
    expect(await keys.find("K1")).toBeUndefined();
    expect(await keys.find("__proto__")).toBeUndefined();
  });

  it("refuses a set with one kid twice or a key off the curve", async () => {
    await expect(keySet([ec, { ...ed, kid: "k1" }])).rejects.toThrow(KeySetError);
    await expect(keySet([{ ...ec, x: ec.y ?? "" }])).rejects.toThrow(KeySetError);
  });

  it.skipIf(wycheproof === undefined)(
    "agrees with the Wycheproof cases of public keys",
    async () => {
      const outcomes: [number | undefined, string][] = [];
      for (const { public: published, tests } of JwkFile.parse(wycheproof).testGroups) {
        if (published === undefined) continue;
        const outcome = await keySet(published.keys).then(
          () => "accepted",
          (error: unknown) => (error instanceof KeySetError ? error.message : "failed"),
        );
        outcomes.push([tests[0]?.tcId, outcome]);
      }
      expect(outcomes).toEqual([
        [5, "accepted"],
        [6, "the key is not for signatures (use)"],
        [7, "the RSA modulus is of a form that can be factored"],
        [8, "the RSA modulus is below 2048 bits"],
        [9, "the RSA exponent is below 65537 or even"],
        [19, "the key is for another algorithm (alg)"],
        [20, "the key is for another algorithm (alg)"],
        [21, "the key is not for signatures (use)"],
        [22, "the key cannot be imported"],
        [23, "the key type is not supported"],
        [24, "the key is for another algorithm (alg)"],
      ]);
    },
  );
});
