/** Pairing by a link: the one offer that is open, and the two calls that turn it into a device. */
import { deviceIdentityDigest } from "../crypto/device-payload.ts";
import { equalSecrets, sha256Base64url } from "../crypto/digest.ts";
import { randomId, randomSecret } from "../crypto/random.ts";
import {
  PairFinish,
  type DeviceIdentity,
  type DeviceProof,
  type EnrollmentPayload,
} from "../protocol/auth-api.ts";
import type { Role } from "../protocol/principal.ts";
import type { EnrollmentChallenges } from "./challenges.ts";
import { proofHolds, readDeviceKey } from "./device-proof.ts";
import type { DeviceKey } from "./device-registry.ts";
import { visibleName } from "./display-name.ts";
import { next, offered, type PairingEvent, type PairingState } from "./pairing-state.ts";
import type { RequestFacts } from "./port.ts";
import { refusal } from "./refusals.ts";

const offerLifeMs = 600_000;

/** What a pairing that came to its end says of the new device. */
export interface PairedDevice {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly expiresAtMs: number | null;
  readonly key: DeviceKey;
}

export class Pairing {
  readonly #challenges: EnrollmentChallenges;
  readonly #nowMs: () => number;
  #state: PairingState | undefined;

  constructor(challenges: EnrollmentChallenges, nowMs: () => number) {
    this.#challenges = challenges;
    this.#nowMs = nowMs;
  }

  /** Replaces the offer that was open. The secret is kept as a digest only. */
  offer(role: Role, deviceTtlMs: number | null): { secret: string; expiresAtMs: number } {
    const secret = randomSecret();
    const expiresAtMs = this.#nowMs() + offerLifeMs;
    const secretDigest = sha256Base64url(secret);
    this.#state = offered({ secretDigest, role, deviceTtlMs, expiresAtMs });
    return { secret, expiresAtMs };
  }

  start(
    body: { secret: string; deviceName: string },
    facts: RequestFacts,
  ): { challenge: Omit<EnrollmentPayload, "deviceIdentitySha256Base64url"> } {
    const deviceName = visibleName(body.deviceName);
    const state = this.#current();
    // Without an offer the comparison is made all the same: the time says nothing.
    const matches = equalSecrets(sha256Base64url(body.secret), state?.offer.secretDigest ?? "");
    if (!matches && state?.phase === "offered") this.#apply({ kind: "wrongSecret" });
    if (this.#state?.phase === "locked") throw refusal("pairing_locked");
    if (!matches || state === undefined) throw refusal("pairing_invalid");
    if (state.phase === "expired") throw refusal("pairing_expired");
    if (state.phase === "refused") throw refusal("pairing_refused");
    if (state.phase !== "offered") throw refusal("pairing_used");
    const challenge = this.#challenges.issue(randomId("dev"), PairFinish.path, facts);
    this.#apply({ kind: "secretAccepted", challengeId: challenge.challengeId, deviceName });
    return { challenge };
  }

  /** Calls `enroll` once, for a device whose proof holds. Throws `AuthError`; the link is used up then. */
  finish(
    body: { challengeId: string; deviceIdentity: DeviceIdentity; proof: DeviceProof },
    facts: RequestFacts,
    enroll: (device: PairedDevice) => void,
  ): PairedDevice {
    const state = this.#current();
    if (state?.phase === "expired") throw refusal("pairing_expired");
    if (state?.phase !== "redeemed" || state.challengeId !== body.challengeId) {
      throw refusal("challenge_unknown");
    }
    try {
      const { clientId, key } = this.#prove(body, facts);
      const { role, deviceTtlMs } = state.offer;
      const expiresAtMs = deviceTtlMs === null ? null : this.#nowMs() + deviceTtlMs;
      const device = { id: clientId, name: state.deviceName, role, expiresAtMs, key };
      enroll(device);
      this.#apply({ kind: "proofAccepted", deviceId: clientId });
      return device;
    } catch (error) {
      this.#apply({ kind: "proofRefused" });
      throw error;
    }
  }

  #prove(
    body: { challengeId: string; deviceIdentity: DeviceIdentity; proof: DeviceProof },
    facts: RequestFacts,
  ): { clientId: string; key: DeviceKey } {
    const challenge = this.#challenges.take(body.challengeId, PairFinish.path, facts);
    const { keyId, publicKeySpkiDerBase64 } = body.deviceIdentity;
    const publicKey = readDeviceKey(publicKeySpkiDerBase64);
    if (publicKey === undefined) throw refusal("bad_key");
    const identityDigest = deviceIdentityDigest(body.deviceIdentity);
    const expected = { ...challenge, deviceIdentitySha256Base64url: identityDigest };
    if (!proofHolds(expected, body.proof, keyId, publicKey)) throw refusal("pairing_refused");
    const publicKeySpki = Buffer.from(publicKeySpkiDerBase64, "base64");
    const { thumbprint } = publicKey;
    return {
      clientId: challenge.clientId,
      key: { keyId, publicKeySpki, thumbprint, identityDigest },
    };
  }

  /** The state after the deadline was looked at. */
  #current(): PairingState | undefined {
    const state = this.#state;
    if (state !== undefined && state.offer.expiresAtMs <= this.#nowMs()) {
      this.#apply({ kind: "deadlinePassed" });
    }
    return this.#state;
  }

  #apply(event: PairingEvent): void {
    if (this.#state !== undefined) this.#state = next(this.#state, event) ?? this.#state;
  }
}
