import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  newEd25519PublicKey,
  parseEd25519Spki,
  verifyEd25519,
} from "../../../src/crypto/ed25519.ts";
import { sharedVectors } from "./vectors.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const spki = publicKey.export({ type: "spki", format: "der" });
const bytes = Buffer.from("runtime:task:2026-11-22T06:27:31Z");
const signature = sign(null, bytes, privateKey);
/** The order of the group, which S must be below; little-endian. */
const order = (1n << 252n) + 27742317777372353535851937790883648493n;

const turned = (little: Uint8Array): Buffer => Buffer.from([...little].toReversed());

const Vectors = z.object({
  testGroups: z.array(
    z.object({
      publicKeyDer: z.string(),
      tests: z.array(
        z.object({
          tcId: z.int(),
          msg: z.string(),
          sig: z.string(),
          result: z.enum(["valid", "invalid"]),
        }),
      ),
    }),
  ),
});
const wycheproof = sharedVectors("wycheproof/ed25519_test.json");

describe("an Ed25519 key", () => {
  it("is read from its one encoding and verifies what it signed", () => {
    const key = parseEd25519Spki(spki);
    if (key === undefined) throw new Error("the key was not read");
    expect({
      own: verifyEd25519(key, bytes, signature),
      otherBytes: verifyEd25519(key, bytes.subarray(1), signature),
      otherKey: verifyEd25519(newEd25519PublicKey(), bytes, signature),
      longer: verifyEd25519(key, bytes, Buffer.concat([signature, Buffer.alloc(1)])),
      empty: verifyEd25519(key, bytes, Buffer.alloc(0)),
      zeros: verifyEd25519(key, bytes, Buffer.alloc(64)),
    }).toEqual({
      own: true,
      otherBytes: false,
      otherKey: false,
      longer: false,
      empty: false,
      zeros: false,
    });
  });

  it("has one signature for one text: S plus the order is refused", () => {
    const key = parseEd25519Spki(spki);
    if (key === undefined) throw new Error("the key was not read");
    const s = BigInt(`0x${turned(signature.subarray(32)).toString("hex")}`) + order;
    const twin = turned(Buffer.from(s.toString(16).padStart(64, "0"), "hex"));
    expect(verifyEd25519(key, bytes, Buffer.concat([signature.subarray(0, 32), twin]))).toBe(false);
  });

  it.each<[string, Uint8Array]>([
    ["PEM", Buffer.from(String(publicKey.export({ type: "spki", format: "pem" })))],
    ["a trailing byte", Buffer.concat([spki, Buffer.alloc(1)])],
    ["the bare point", spki.subarray(12)],
    ["X25519", generateKeyPairSync("x25519").publicKey.export({ type: "spki", format: "der" })],
    ["a point off the curve", Buffer.concat([spki.subarray(0, 12), Buffer.alloc(32, 2)])],
    [
      "the neutral point",
      Buffer.concat([spki.subarray(0, 12), Buffer.from([1]), Buffer.alloc(31)]),
    ],
    ["a point of order 4", Buffer.concat([spki.subarray(0, 12), Buffer.alloc(32)])],
  ])("is not read from %s", (_what, der) => {
    expect(parseEd25519Spki(der)).toBeUndefined();
  });

  it.skipIf(wycheproof === undefined)("agrees with every Wycheproof case", () => {
    let cases = 0;
    for (const { publicKeyDer, tests } of Vectors.parse(wycheproof).testGroups) {
      const key = parseEd25519Spki(Buffer.from(publicKeyDer, "hex"));
      for (const { tcId, msg, sig, result } of tests) {
        const held =
          key !== undefined && verifyEd25519(key, Buffer.from(msg, "hex"), Buffer.from(sig, "hex"));
        expect([tcId, held ? "valid" : "invalid"]).toEqual([tcId, result]);
        cases += 1;
      }
    }
    expect(cases).toBe(151);
  });
});
