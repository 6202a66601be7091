/** Signatures and keys that are nearly right: forms, curves, ranges, twins. */
import { generateKeyPairSync } from "node:crypto";
import { p256 } from "@noble/curves/nist.js";
import { z } from "zod";
import { derSignature } from "../../src/client/der-signature.ts";
import { parseP256Spki, verifyP256 } from "../../src/crypto/p256.ts";
import {
  ConnectStart,
  PairFinish,
  PairStart,
  type DeviceProof,
} from "../../src/protocol/auth-api.ts";
import { SoftDevice } from "../unit/auth/soft-device.ts";
import { sharedVectors } from "../unit/crypto/vectors.ts";
import { attack } from "./attack.ts";
import { codeOf } from "./bench.ts";
import {
  figures,
  finish,
  refusedProof,
  tryProofs,
  usedChallenge,
  type Prove,
} from "./proof-tries.ts";

const order = p256.Point.Fn.ORDER;
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const signatureOf = ({ signatureDerBase64 }: DeviceProof): { r: bigint; s: bigint } =>
  p256.Signature.fromBytes(Buffer.from(signatureDerBase64, "base64"), "der");

const compact = (proof: DeviceProof): Buffer => {
  const { r, s } = signatureOf(proof);
  return Buffer.from(new p256.Signature(r, s).toBytes("compact"));
};

/** DER of any two numbers, also of those that no signature may have. */
function derOf(r: bigint, s: bigint): Uint8Array {
  const raw = [r, s].map((value) => value.toString(16).padStart(66, "0")).join("");
  return derSignature(Buffer.from(raw, "hex"));
}

const withSignature = (proof: DeviceProof, signature: Uint8Array): DeviceProof => ({
  ...proof,
  signatureDerBase64: base64(signature),
});

const Wycheproof = z.object({
  testGroups: z.array(
    z.object({
      publicKeyDer: z.string(),
      tests: z.array(z.object({ msg: z.string(), sig: z.string(), result: z.string() })),
    }),
  ),
});
const der = sharedVectors("wycheproof/ecdsa_secp256r1_sha256_test.json");
const p1363 = sharedVectors("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json");
const hex = (text: string): Buffer => Buffer.from(text, "hex");

interface Judgement {
  readonly signature: Buffer;
  readonly isValid: boolean;
  readonly verify: (signature: Uint8Array) => boolean;
}

const cases = (file: unknown): readonly Judgement[] =>
  Wycheproof.parse(file).testGroups.flatMap(({ publicKeyDer, tests }) => {
    const key = parseP256Spki(hex(publicKeyDer));
    if (key === undefined) throw new Error("a key of the vectors was refused");
    return tests.map(({ msg, sig, result }) => ({
      signature: hex(sig),
      isValid: result === "valid",
      verify: (signature: Uint8Array) => verifyP256(key, hex(msg), signature),
    }));
  });

attack(
  "C1",
  "Wycheproof's P-256 signatures, DER and P1363",
  // These signatures are over other bytes than a host's: nothing is sent.
  { expect: [], possible: der !== undefined && p1363 !== undefined },
  async () => {
    const asDer = cases(der);
    const sideBySide = cases(p1363);
    // A browser's signature is turned into DER before it is sent, so both forms meet the one verifier.
    const whole = sideBySide.filter(({ signature }) => signature.length === 64);
    const wrong =
      asDer.filter(({ signature, isValid, verify }) => verify(signature) !== isValid).length +
      whole.filter(({ signature, isValid, verify }) => verify(derSignature(signature)) !== isValid)
        .length +
      sideBySide.filter(({ signature, verify }) => verify(signature)).length;
    const complete = asDer.length === 484 && sideBySide.length === 262;
    return {
      tried: asDer.length + sideBySide.length,
      admitted: complete ? wrong : -1,
      turnedIntoDer: whole.length,
    };
  },
);

attack(
  "C2",
  "P1363 where DER is expected, DER where P1363 is",
  { expect: [refusedProof, { act: "connect", code: "token_invalid" }] },
  async (bench) => {
    const paired = await bench.pair("operator");
    const proofs = await tryProofs(bench, paired, [
      (challenge) => {
        const proof = paired.device.prove(challenge);
        return withSignature(proof, compact(proof));
      },
      (challenge) => {
        const proof = paired.device.prove(challenge);
        return { ...proof, signatureDerBase64: compact(proof).toString("base64url") };
      },
      (challenge) => {
        const proof = paired.device.prove(challenge);
        const text = Buffer.from(proof.signatureDerBase64, "base64").toString("base64url");
        return { ...proof, signatureDerBase64: `${text}-` };
      },
    ]);
    const [header = "", claims = "", signature = ""] = paired.token.split(".");
    const inDer = Buffer.from(derSignature(Buffer.from(signature, "base64url")));
    const token = `${header}.${claims}.${inDer.toString("base64url")}`;
    const answer = await bench.request(ConnectStart.path, {}, { bearer: token });
    const inTurn = codeOf(answer) === "token_invalid" ? "proof_refused" : codeOf(answer);
    return figures([...proofs, inTurn], "proof_refused");
  },
);

const spki = (key: ReturnType<typeof generateKeyPairSync>["publicKey"]): Buffer =>
  key.export({ format: "der", type: "spki" });

function wrongKeys(good: Buffer): readonly Uint8Array[] {
  const changed = (index: number, value: number): Buffer => {
    const copy = Buffer.from(good);
    copy[index] = value;
    return copy;
  };
  const explicit = { namedCurve: "P-256", paramEncoding: "explicit" } as const;
  return [
    spki(generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey),
    spki(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey),
    spki(generateKeyPairSync("ec", explicit).publicKey),
    spki(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey),
    spki(generateKeyPairSync("ed25519").publicKey),
    changed(90, (good[90] ?? 0) ^ 1),
    changed(26, 0),
    changed(26, 6),
    Buffer.concat([good.subarray(0, 27), Buffer.alloc(64)]),
    hex("301a301306072a8648ce3d020106082a8648ce3d03010703030000"),
    Buffer.concat([
      hex("3039301306072a8648ce3d020106082a8648ce3d030107032200"),
      p256.Point.fromBytes(good.subarray(26)).toBytes(true),
    ]),
    Buffer.concat([good, Buffer.from([0])]),
    good.subarray(0, 90),
    good.subarray(26),
    Buffer.from(`-----BEGIN PUBLIC KEY-----\n${base64(good)}\n-----END PUBLIC KEY-----\n`),
  ];
}

attack(
  "C3",
  "keys of other curves, forms and lengths, and points off the curve",
  { expect: { act: "pair.enroll", code: "bad_key" } },
  async (bench) => {
    const device = new SoftDevice();
    const good = Buffer.from(device.identity.publicKeySpkiDerBase64, "base64");
    const texts = [
      ...wrongKeys(good).map(base64),
      base64(good).replace(/=*$/, ""),
      good.toString("base64url"),
      `${base64(good)}\n`,
    ].filter((text) => text.length <= 256);
    const codes: string[] = [];
    for (const publicKeySpkiDerBase64 of texts) {
      const secret = await bench.pairingSecret("viewer");
      const { commitment, nonce: deviceNonce } = device;
      const asked = { secret, deviceName: "wrong key", commitment };
      const { challenge } = await bench.call(PairStart, asked);
      const answer = await bench.request(PairFinish.path, {
        challengeId: challenge.challengeId,
        deviceIdentity: { ...device.identity, publicKeySpkiDerBase64 },
        deviceNonce,
        proof: device.prove({
          ...challenge,
          deviceIdentitySha256Base64url: device.identityDigest,
        }),
      });
      codes.push(codeOf(answer));
    }
    return figures(codes, "bad_key");
  },
);

attack(
  "C4",
  "r or s out of range, and the other twin of a signature that was taken",
  { expect: [refusedProof, usedChallenge] },
  async (bench) => {
    const paired = await bench.pair("operator");
    const { device, token } = paired;
    const outOfRange = [0n, order, order + 1n].flatMap((value): readonly Prove[] => [
      (challenge) => {
        const proof = device.prove(challenge);
        return withSignature(proof, derOf(value, signatureOf(proof).s));
      },
      (challenge) => {
        const proof = device.prove(challenge);
        return withSignature(proof, derOf(signatureOf(proof).r, value));
      },
    ]);
    const refused = await tryProofs(bench, paired, outOfRange);
    const twins: string[] = [];
    for (const isTwinFirst of [false, true]) {
      const challenge = await bench.connectChallenge(token);
      const proof = device.prove(challenge);
      const { r, s } = signatureOf(proof);
      const twin = withSignature(proof, derOf(r, order - s));
      const both = isTwinFirst ? [twin, proof] : [proof, twin];
      for (const each of both) {
        twins.push(await finish(bench, token, challenge.sessionId, each));
      }
    }
    // Each of the two is good as the first, and neither as the second.
    const wanted = ["admitted", "challenge_unknown", "admitted", "challenge_unknown"];
    if (twins.join() !== wanted.join()) throw new Error(`the twins were answered ${twins.join()}`);
    return figures(refused, "proof_refused");
  },
);
