import { generateKeyPairSync } from "node:crypto";
import type { JWK } from "jose";
import { describe, expect, it } from "vitest";
import { checkJwk, keySet, KeySetError } from "../../../src/crypto/key-set.ts";

const publicJwk = (key: { export(options: { format: "jwk" }): object }): JWK => ({
  ...key.export({ format: "jwk" }),
  kid: "k1",
});
const ec = publicJwk(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey);
const ed = publicJwk(generateKeyPairSync("ed25519").publicKey);
const rsa = publicJwk(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey);
const smallRsa = publicJwk(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey);

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
});
