/** The key that stands for this device. It is made here, cannot be exported, and signs only what the host's challenges say. */
import type { DeviceIdentity, DeviceProof } from "../protocol/auth-api.ts";
import { base64, base64url, type Bytes, sha256Base64url } from "./bytes.ts";
import { canonicalPayload } from "./canonical-payload.ts";
import { derSignature } from "./der-signature.ts";

type SubtleKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** A paired device as it is kept between visits. The private key is a WebCrypto handle without a value that can be read. */
export interface DeviceRecord {
  readonly clientId: string;
  readonly identity: DeviceIdentity;
  readonly privateKey: SubtleKey;
  /** Thumbprint of the key of the host that it was paired with; records of earlier versions have none. */
  readonly hostFingerprint?: string;
  /** The highest access generation that this device heard from the host, with the host's signed word for it. */
  readonly known?: { readonly accessGeneration: number; readonly generationStatement: string };
}

export type KnownGeneration = NonNullable<DeviceRecord["known"]>;

export type DeviceKey = Pick<DeviceRecord, "identity" | "privateKey">;

/** Where the one device of this origin is kept. `load` gives undefined when none is paired. */
export interface KeyStore {
  load(): Promise<DeviceRecord | undefined>;
  save(record: DeviceRecord): Promise<void>;
}

/** Forgets with the process; for tests and one-off programs. */
export class MemoryKeyStore implements KeyStore {
  #record: DeviceRecord | undefined;

  load(): Promise<DeviceRecord | undefined> {
    return Promise.resolve(this.#record);
  }

  save(record: DeviceRecord): Promise<void> {
    this.#record = record;
    return Promise.resolve();
  }
}

const curve = { name: "ECDSA", namedCurve: "P-256" } as const;
const keyIdBytes = 32;

export async function makeDeviceKey(): Promise<DeviceKey> {
  const pair = await crypto.subtle.generateKey(curve, false, ["sign", "verify"]);
  const spki = await crypto.subtle.exportKey("spki", pair.publicKey);
  return {
    privateKey: pair.privateKey,
    identity: {
      keyId: `dk_osn_${base64url(crypto.getRandomValues(new Uint8Array(keyIdBytes)))}`,
      publicKeySpkiDerBase64: base64(new Uint8Array(spki)),
      algorithm: "ecdsa_p256_sha256",
      protectionClass: "os_protected_nonextractable",
    },
  };
}

/** SHA-256 over the identity's members in the order that the protocol fixes. */
export function identityHash(identity: DeviceIdentity): Promise<string> {
  const { algorithm, keyId, protectionClass, publicKeySpkiDerBase64 } = identity;
  return sha256Base64url(
    JSON.stringify({ algorithm, keyId, protectionClass, publicKeySpkiDerBase64 }),
  );
}

export const prove = (key: DeviceKey, payload: object): Promise<DeviceProof> =>
  signBytes(key, canonicalPayload(payload));

/** Only for bytes that begin with a domain of their own: what they are good for must be plain. */
export async function signBytes(key: DeviceKey, bytes: Bytes): Promise<DeviceProof> {
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const raw = await crypto.subtle.sign(algorithm, key.privateKey, bytes);
  return {
    keyId: key.identity.keyId,
    algorithm: "ecdsa_p256_sha256",
    signatureDerBase64: base64(derSignature(new Uint8Array(raw))),
    signedPayloadBase64: base64(bytes),
  };
}
