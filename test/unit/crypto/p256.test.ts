import { readFileSync } from "node:fs";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { p256 } from "@noble/curves/nist.js";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { canonicalJson } from "../../../src/crypto/canonical-json.ts";
import { deviceIdentityDigest, devicePayloadBytes } from "../../../src/crypto/device-payload.ts";
import { parseP256Spki, verifyP256, type P256PublicKey } from "../../../src/crypto/p256.ts";
import { sharedVectors } from "./vectors.ts";

const Flat = z.record(z.string(), z.union([z.string(), z.int(), z.array(z.string())]));
const DeviceKeyVectors = z.object({
  vectors: z.array(
    z.object({
      payload: Flat,
      signedBytesUtf8: z.string(),
      length: z.int(),
      sha256: z.string(),
    }),
  ),
  deviceIdentity: z.object({
    algorithm: z.string(),
    keyId: z.string(),
    protectionClass: z.string(),
    publicKeySpkiDerBase64: z.string(),
    sha256Base64url: z.string(),
  }),
});

const shared = sharedVectors("device-key.json");
const fixture: unknown = JSON.parse(
  readFileSync(new URL("fixtures/device-key.json", import.meta.url), "utf8"),
);

const hex = (text: string): Buffer => Buffer.from(text, "hex");

function keyOf(der: Uint8Array): P256PublicKey {
  const key = parseP256Spki(der);
  if (key === undefined) throw new Error("the key was refused");
  return key;
}

interface Bytes {
  readonly text: string;
  readonly length: number;
  readonly sha256: string;
}

/** What a file of vectors says, and what the code makes of it. */
function deviceKeyVectors(file: unknown): { said: Bytes[]; made: Bytes[] } {
  const { vectors, deviceIdentity } = DeviceKeyVectors.parse(file);
  const said = vectors.map(({ signedBytesUtf8: text, length, sha256 }) => ({
    text,
    length,
    sha256,
  }));
  const made = vectors.map(({ payload }) => {
    const bytes = devicePayloadBytes(payload);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { text: bytes.toString(), length: bytes.length, sha256 };
  });
  const identity = { text: "identity", length: 32 };
  return {
    said: [...said, { ...identity, sha256: deviceIdentity.sha256Base64url }],
    made: [...made, { ...identity, sha256: deviceIdentityDigest(deviceIdentity) }],
  };
}

const spki = (curve: string): Buffer =>
  generateKeyPairSync("ec", { namedCurve: curve }).publicKey.export({
    format: "der",
    type: "spki",
  });

describe("signed payloads", () => {
  it("have exactly the bytes of the vectors", () => {
    const { said, made } = deviceKeyVectors(fixture);
    expect(said).toHaveLength(3);
    expect(made).toEqual(said);
  });

  it.skipIf(shared === undefined)("have exactly the bytes of the shared vectors", () => {
    const { said, made } = deviceKeyVectors(shared);
    expect(made).toEqual(said);
  });

  it("sort members at every level and keep lists as they are", () => {
    expect(canonicalJson({ b: [{ z: 1, a: null }, "x"], a: { d: true, c: "é\n" } })).toBe(
      '{"a":{"c":"é\\n","d":true},"b":[{"a":null,"z":1},"x"]}',
    );
  });

  it("hold no number that texts differently elsewhere", () => {
    for (const value of [0.5, NaN, Infinity, 2 ** 53]) {
      expect(() => canonicalJson({ value })).toThrow(RangeError);
    }
  });

  it("keep neighbouring fields apart", () => {
    const left = devicePayloadBytes({ nonce: "a:b", sessionId: "c" });
    const right = devicePayloadBytes({ nonce: "a", sessionId: "b:c" });
    expect(left.equals(right)).toBe(false);
  });
});

describe("the verifier", () => {
  it("takes both twins of a signature, and no other bytes", () => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = keyOf(publicKey.export({ format: "der", type: "spki" }));
    const bytes = Buffer.from("to be signed");
    const signature = p256.Signature.fromBytes(sign("sha256", bytes, privateKey), "der");
    const order = p256.Point.Fn.ORDER;
    const twin = new p256.Signature(signature.r, order - signature.s).toBytes("der");
    const outside = new p256.Signature(signature.r, signature.s).toBytes("compact");
    expect({
      first: verifyP256(key, bytes, signature.toBytes("der")),
      twin: verifyP256(key, bytes, twin),
      compact: verifyP256(key, bytes, outside),
      otherBytes: verifyP256(key, Buffer.from("to be signed "), twin),
      empty: verifyP256(key, bytes, Buffer.alloc(0)),
      long: verifyP256(key, bytes, Buffer.concat([twin, Buffer.alloc(64)])),
    }).toEqual({
      first: true,
      twin: true,
      compact: false,
      otherBytes: false,
      empty: false,
      long: false,
    });
  });
});

describe("a public key", () => {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const der = publicKey.export({ format: "der", type: "spki" });
  const changed = (index: number, value: number): Buffer => {
    const copy = Buffer.from(der);
    copy[index] = value;
    return copy;
  };
  const explicit = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    paramEncoding: "explicit",
  }).publicKey.export({ format: "der", type: "spki" });
  const compressed = Buffer.concat([
    hex("3039301306072a8648ce3d020106082a8648ce3d030107032200"),
    p256.Point.fromBytes(der.subarray(26)).toBytes(true),
  ]);
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;

  it("has the RFC 7638 thumbprint of its coordinates", () => {
    const { x, y } = publicKey.export({ format: "jwk" });
    const text = JSON.stringify({ crv: "P-256", kty: "EC", x, y });
    const digest = createHash("sha256").update(text).digest("base64url");
    expect(keyOf(der)).toEqual({ point: Uint8Array.from(der.subarray(26)), thumbprint: digest });
  });

  it.each<[string, Uint8Array]>([
    ["other curve", spki("P-384")],
    ["P-256K1", spki("secp256k1")],
    ["explicit parameters", explicit],
    ["point off the curve", changed(90, (der[90] ?? 0) ^ 1)],
    ["coordinate beyond the field", Buffer.concat([der.subarray(0, 27), Buffer.alloc(64, 0xff)])],
    ["all zero point", Buffer.concat([der.subarray(0, 27), Buffer.alloc(64)])],
    ["infinity", hex("301a301306072a8648ce3d020106082a8648ce3d03010703030000")],
    ["infinity in full length", changed(26, 0)],
    ["compressed point", compressed],
    ["hybrid point", changed(26, 6)],
    ["unused bits", changed(25, 1)],
    ["trailing byte", Buffer.concat([der, Buffer.from([0])])],
    ["missing byte", der.subarray(0, 90)],
    ["long form length", Buffer.concat([hex("308159"), der.subarray(2)])],
    ["PEM", Buffer.from(publicKey.export({ format: "pem", type: "spki" }))],
    ["RSA", rsa.export({ format: "der", type: "spki" })],
    ["raw point", der.subarray(26)],
    ["nothing", Buffer.alloc(0)],
  ])("is refused: %s", (_, bytes) => {
    expect(parseP256Spki(bytes)).toBeUndefined();
  });
});
