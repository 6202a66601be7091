/** A device renews its token: challenge, proof, token. No secret is stored on either side. */
import { TokenFinish, type DeviceProof, type EnrollmentPayload } from "../protocol/auth-api.ts";
import { parseP256Spki } from "../crypto/p256.ts";
import type { EnrollmentChallenges } from "./challenges.ts";
import { proofHolds } from "./device-proof.ts";
import type { DeviceRecord, DeviceRegistry } from "./device-registry.ts";
import { liveDevice } from "./live-access.ts";
import type { RequestFacts } from "./port.ts";
import { refusal } from "./refusals.ts";

export class Renewal {
  readonly #registry: DeviceRegistry;
  readonly #challenges: EnrollmentChallenges;
  readonly #nowMs: () => number;

  constructor(registry: DeviceRegistry, challenges: EnrollmentChallenges, nowMs: () => number) {
    this.#registry = registry;
    this.#challenges = challenges;
    this.#nowMs = nowMs;
  }

  start(clientId: string, facts: RequestFacts): { challenge: EnrollmentPayload } {
    const { id, key } = liveDevice(this.#registry, clientId, this.#nowMs());
    const challenge = this.#challenges.issue(id, TokenFinish.path, facts);
    return { challenge: { ...challenge, deviceIdentitySha256Base64url: key.identityDigest } };
  }

  /** The device that proved its key. Throws `AuthError`. */
  finish(body: { challengeId: string; proof: DeviceProof }, facts: RequestFacts): DeviceRecord {
    const challenge = this.#challenges.take(body.challengeId, TokenFinish.path, facts);
    const device = liveDevice(this.#registry, challenge.clientId, this.#nowMs());
    const { keyId, publicKeySpki, identityDigest } = device.key;
    const expected = { ...challenge, deviceIdentitySha256Base64url: identityDigest };
    const publicKey = parseP256Spki(publicKeySpki);
    if (publicKey === undefined || !proofHolds(expected, body.proof, keyId, publicKey)) {
      throw refusal("proof_refused", device);
    }
    this.#registry.markSeen(device);
    return device;
  }
}
