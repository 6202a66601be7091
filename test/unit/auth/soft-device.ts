import {
  createHash,
  createPrivateKey,
  randomBytes,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from "node:crypto";
import { wordList } from "../../../src/protocol/pairing-words.ts";
import type { DeviceIdentity, DeviceProof } from "../../../src/protocol/auth-api.ts";

/** A device as a client is one: it holds a key and signs what it is given. Shares no code with the host. */
export class SoftDevice {
  readonly identity: DeviceIdentity;
  /** What its commitment and its words are made with. */
  readonly nonce = randomBytes(32).toString("base64url");
  readonly #privateKey: KeyObject;

  constructor(keyId = "dk_osn_test") {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#privateKey = createPrivateKey(privateKey.export({ format: "pem", type: "pkcs8" }));
    this.identity = {
      keyId,
      publicKeySpkiDerBase64: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
      algorithm: "ecdsa_p256_sha256",
      protectionClass: "os_protected_nonextractable",
    };
  }

  /** The private part, base64url: what nobody else may ever hold. */
  get privateScalar(): string {
    return String(this.#privateKey.export({ format: "jwk" }).d);
  }

  get identityDigest(): string {
    const { algorithm, keyId, protectionClass, publicKeySpkiDerBase64 } = this.identity;
    return createHash("sha256")
      .update(JSON.stringify({ algorithm, keyId, protectionClass, publicKeySpkiDerBase64 }))
      .digest("base64url");
  }

  /** What it names before it knows the host's nonce. */
  get commitment(): string {
    const parts = [
      "farhelm-pairing-commitment/v1",
      this.identity.publicKeySpkiDerBase64,
      this.nonce,
    ];
    return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
  }

  /** What it shows while it waits. */
  words(
    challenge: { readonly nonce: string; readonly challengeId: string },
    hostFingerprint: string,
  ): readonly string[] {
    const parts = [
      "farhelm-pairing-words/v1",
      hostFingerprint,
      this.identity.publicKeySpkiDerBase64,
      challenge.nonce,
      this.nonce,
      challenge.challengeId,
    ];
    const digest = createHash("sha256").update(JSON.stringify(parts)).digest();
    return [0, 1, 2, 3].map((at) => wordList[digest[at] ?? 0] ?? "");
  }

  /** Signs the payload's text with its members sorted (payloads are flat but for one list). */
  prove(payload: object): DeviceProof {
    const sorted = Object.fromEntries(
      Object.entries(payload).toSorted(([left], [right]) => (left < right ? -1 : 1)),
    );
    return this.proveText(
      JSON.stringify({ domain: "codex-device-key-sign-payload/v1", payload: sorted }),
    );
  }

  /** Signs an approval as the host asks for it, with this decision. */
  approve(payload: object, decision: unknown): DeviceProof {
    return this.proveText(approvalText(payload, decision));
  }

  proveText(text: string): DeviceProof {
    const bytes = Buffer.from(text);
    return {
      keyId: this.identity.keyId,
      algorithm: "ecdsa_p256_sha256",
      signatureDerBase64: sign("sha256", bytes, this.#privateKey).toString("base64"),
      signedPayloadBase64: bytes.toString("base64"),
    };
  }
}

export const approvalText = (payload: object, decision: unknown): string =>
  JSON.stringify(inOrder({ domain: "farhelm-approval/v1", payload: { ...payload, decision } }));

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((name) => [name, inOrder(Reflect.get(value, name))]),
  );
}
