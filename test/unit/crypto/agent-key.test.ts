import { generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readAgentKey } from "../../../src/crypto/agent-key.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const der = privateKey.export({ format: "der", type: "pkcs8" });
const point = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
/** RFC 5958: with the public key behind the seed, as the program that makes these keys writes them. */
const pair = (publicBytes: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from("3051020101300506032b657004220420", "hex"),
    der.subarray(16),
    Buffer.from("812100", "hex"),
    publicBytes,
  ]);
const base64 = (bytes: Buffer): string => bytes.toString("base64");

describe("the key of an agent", () => {
  it.each([
    ["with padding or without need of it", base64(der)],
    ["without padding", base64(pair(point)).replace(/=+$/, "")],
    ["with its public key", base64(pair(point))],
  ])("signs, %s", (_what, text) => {
    const signature = Buffer.from(readAgentKey(text).sign("a:b:c"), "base64");
    expect(verify(null, Buffer.from("a:b:c"), publicKey, signature)).toBe(true);
  });

  it.each([
    ["no base64", "***", "base64"],
    ["nothing", "", "base64"],
    ["base64url", base64(der).replace(/.$/, "-"), "base64"],
    ["a line break", `${base64(der)}\n`, "base64"],
    ["too short", base64(der.subarray(0, 40)), "PKCS#8"],
    ["a byte too many", base64(Buffer.concat([der, Buffer.alloc(1)])), "PKCS#8"],
    ["another's public key", base64(pair(Buffer.alloc(32, 7))), "PKCS#8"],
    [
      "a key for X25519",
      base64(generateKeyPairSync("x25519").privateKey.export({ format: "der", type: "pkcs8" })),
      "PKCS#8",
    ],
    [
      "a P-256 key",
      base64(
        generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
          format: "der",
          type: "pkcs8",
        }),
      ),
      "PKCS#8",
    ],
  ])("is refused: %s", (_what, text, kind) => {
    expect(() => readAgentKey(text)).toThrow(
      new Error(`stored agent identity private key is not valid ${kind}`),
    );
  });
});
