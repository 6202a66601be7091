/** What a new device does: redeem a link or a code, prove its key, wait to be confirmed. */
import { deviceIdentityDigest } from "../crypto/device-payload.ts";
import { equalSecrets, sha256, sha256Base64url } from "../crypto/digest.ts";
import { randomId } from "../crypto/random.ts";
import {
  PairFinish,
  type DeviceIdentity,
  type DeviceProof,
  type EnrollmentPayload,
} from "../protocol/auth-api.ts";
import { readPairingCode } from "../protocol/pairing-code.ts";
import { commitmentText, pairingWords, wordsText } from "../protocol/pairing-words.ts";
import type { Role } from "../protocol/principal.ts";
import type { EnrollmentChallenges } from "./challenges.ts";
import { CodeTries } from "./code-tries.ts";
import { proofHolds, readDeviceKey } from "./device-proof.ts";
import type { DeviceKey } from "./device-registry.ts";
import { visibleName } from "./display-name.ts";
import type { PairingBook } from "./pairing-book.ts";
import type { PairingRequest, PairingState, ProvedDevice } from "./pairing-state.ts";
import type { RequestFacts } from "./port.ts";
import { refusal, type RefusalCode } from "./refusals.ts";

/** What a pairing that came to its end says of the new device. */
export interface PairedDevice {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly expiresAtMs: number | null;
  readonly key: DeviceKey;
}

/** `news`: this call brought the pairing there. */
export type PairingOutcome = {
  readonly pairingId: string;
  readonly device: PairedDevice;
  readonly news: boolean;
} & (
  | { readonly status: "waiting"; readonly expiresInMs: number }
  | { readonly status: "enrolled" }
);

interface Parts {
  readonly book: PairingBook;
  readonly challenges: EnrollmentChallenges;
  readonly hostFingerprint: string;
  readonly nowMs: () => number;
  readonly hasDevices: () => boolean;
  /** Makes the device known; its access counts from now. */
  readonly enroll: (device: PairedDevice) => void;
}

export class Pairing {
  readonly #parts: Parts;
  readonly #codeTries: CodeTries;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#codeTries = new CodeTries(parts.nowMs);
  }

  /** Throws `AuthError`. */
  start(
    body: {
      secret?: string | undefined;
      code?: string | undefined;
      deviceName: string;
      commitment: string;
    },
    facts: RequestFacts,
  ): {
    pairingId: string;
    challenge: Omit<EnrollmentPayload, "deviceIdentitySha256Base64url">;
    expiresInMs: number;
  } {
    const { book, challenges, nowMs } = this.#parts;
    const deviceName = visibleName(body.deviceName);
    const way = body.secret === undefined ? "code" : "link";
    const found =
      body.secret === undefined
        ? this.#byCode(body.code ?? "", facts)
        : this.#bySecret(body.secret);
    const { offer } = redeemable(found, way);
    const challenge = challenges.issue(randomId("dev"), PairFinish.path, facts);
    const { challengeId } = challenge;
    const { commitment } = body;
    const { address } = facts;
    const request: PairingRequest = { challengeId, deviceName, address, way, commitment };
    const redeemed = book.apply(offer.id, { kind: "redeemed", request });
    if (redeemed === undefined) throw refusal("pairing_used");
    return { pairingId: offer.id, challenge, expiresInMs: redeemed.untilMs - nowMs() };
  }

  /** Throws `AuthError`; the link is used up then. */
  finish(
    body: {
      challengeId: string;
      deviceIdentity: DeviceIdentity;
      deviceNonce: string;
      proof: DeviceProof;
    },
    facts: RequestFacts,
  ): PairingOutcome {
    const { book, hasDevices } = this.#parts;
    const state = book.findByChallenge(body.challengeId);
    if (state?.phase !== "redeemed") throw refusal(endFault(state) ?? "challenge_unknown");
    const { id, first } = state.offer;
    try {
      const device = this.#prove(state.request, body, facts);
      book.apply(id, { kind: "proofAccepted", device });
    } catch (error) {
      book.apply(id, { kind: "proofRefused" });
      throw error;
    }
    const byLink = first && state.request.way === "link" && !hasDevices();
    if (byLink) book.apply(id, { kind: "confirmed" });
    return { ...this.#standing(body.challengeId), news: true };
  }

  /** Waits for a change, `waitMs` at most. Throws `AuthError`. */
  async status(challengeId: string, waitMs: number): Promise<PairingOutcome> {
    const { book } = this.#parts;
    const state = book.findByChallenge(challengeId);
    if (state?.phase === "proved" && waitMs > 0) await book.changed(state.offer.id, waitMs);
    return this.#standing(challengeId);
  }

  /** Where the pairing stands. What was confirmed is enrolled when its device asks for it. */
  #standing(challengeId: string): PairingOutcome {
    const { book, enroll, nowMs } = this.#parts;
    const state = book.findByChallenge(challengeId);
    if (state?.phase !== "proved" && state?.phase !== "confirmed" && state?.phase !== "enrolled") {
      throw refusal(endFault(state) ?? "challenge_unknown");
    }
    const { offer, request, untilMs, phase } = state;
    const { role, deviceTtlMs } = offer;
    const expiresAtMs = deviceTtlMs === null ? null : nowMs() + deviceTtlMs;
    const { id, key } = state.device;
    const device = { id, name: request.deviceName, role, expiresAtMs, key };
    const standing = { pairingId: offer.id, device, news: phase === "confirmed" };
    if (phase === "proved") {
      return { ...standing, status: "waiting", expiresInMs: untilMs - nowMs() };
    }
    if (phase === "confirmed") {
      enroll(device);
      book.apply(offer.id, { kind: "collected" });
    }
    return { ...standing, status: "enrolled" };
  }

  #bySecret(secret: string): PairingState | undefined {
    const digest = sha256Base64url(secret);
    return this.#select(({ offer }) => equalSecrets(digest, offer.secretDigest));
  }

  /** A wrong code counts against every code that is open. Throws `AuthError`. */
  #byCode(typed: string, { address }: RequestFacts): PairingState {
    const { book } = this.#parts;
    this.#codeTries.take(address);
    const code = readPairingCode(typed);
    const digest = sha256Base64url(code ?? "");
    const found = this.#select(({ offer }) => equalSecrets(digest, offer.codeDigest ?? ""));
    if (found !== undefined) return found;
    if (code !== undefined) {
      for (const { offer } of book.states()) book.apply(offer.id, { kind: "wrongCode" });
    }
    const states = book.states();
    const open = states.some(({ phase, offer }) => phase === "offered" && offer.codeDigest);
    const locked = !open && states.some(({ phase }) => phase === "locked");
    throw refusal(locked ? "pairing_locked" : "pairing_code_invalid");
  }

  /** All are compared, whichever fits: the time says nothing. */
  #select(fits: (state: PairingState) => boolean): PairingState | undefined {
    let found: PairingState | undefined;
    for (const state of this.#parts.book.states()) if (fits(state)) found = state;
    return found;
  }

  #prove(
    request: PairingRequest,
    body: {
      challengeId: string;
      deviceIdentity: DeviceIdentity;
      deviceNonce: string;
      proof: DeviceProof;
    },
    facts: RequestFacts,
  ): ProvedDevice {
    const { challenges, hostFingerprint } = this.#parts;
    const challenge = challenges.take(body.challengeId, PairFinish.path, facts);
    const { keyId, publicKeySpkiDerBase64 } = body.deviceIdentity;
    const publicKey = readDeviceKey(publicKeySpkiDerBase64);
    if (publicKey === undefined) throw refusal("bad_key");
    const commitment = sha256Base64url(commitmentText(publicKeySpkiDerBase64, body.deviceNonce));
    if (commitment !== request.commitment) throw refusal("pairing_refused");
    const identityDigest = deviceIdentityDigest(body.deviceIdentity);
    const expected = { ...challenge, deviceIdentitySha256Base64url: identityDigest };
    if (!proofHolds(expected, body.proof, keyId, publicKey)) throw refusal("pairing_refused");
    const publicKeySpki = Buffer.from(publicKeySpkiDerBase64, "base64");
    const { thumbprint } = publicKey;
    const words = wordsText({
      hostFingerprint,
      publicKeySpkiDerBase64,
      hostNonce: challenge.nonce,
      deviceNonce: body.deviceNonce,
      challengeId: body.challengeId,
    });
    return {
      id: challenge.clientId,
      key: { keyId, publicKeySpki, thumbprint, identityDigest },
      words: pairingWords(sha256(words)),
    };
  }
}

/** The pairing, if it can be redeemed this way. Throws `AuthError`. */
function redeemable(state: PairingState | undefined, way: "link" | "code"): PairingState {
  if (state === undefined) throw refusal("pairing_invalid");
  if (state.phase === "offered" || (state.phase === "locked" && way === "link")) return state;
  if (state.phase === "locked") throw refusal("pairing_locked");
  if (state.phase === "expired") throw refusal("pairing_expired");
  const cancelled = state.phase === "refused" && state.because === "cancelled";
  throw refusal(cancelled ? "pairing_cancelled" : "pairing_used");
}

/** Why the pairing of a device that came so far ended; undefined when it did not. */
function endFault(state: PairingState | undefined): RefusalCode | undefined {
  if (state?.phase === "expired") return "pairing_expired";
  if (state?.phase !== "refused") return undefined;
  return state.because === "proof" ? "pairing_refused" : "pairing_declined";
}
