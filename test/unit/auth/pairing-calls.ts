/** The calls of a new device, one by one, as a test wants them. */
import { createHash } from "node:crypto";
import { hostActor } from "../../../src/audit/port.ts";
import type { Auth } from "../../../src/auth/auth.ts";
import type { RequestFacts } from "../../../src/auth/port.ts";
import {
  PairFinish,
  PairStart,
  PairStatus,
  type DeviceIdentity,
  type DeviceProof,
} from "../../../src/protocol/auth-api.ts";
import { facts, pair } from "./door.ts";
import { SoftDevice } from "./soft-device.ts";

export type Challenge = ReturnType<typeof PairStart.response.parse>["challenge"];

export interface Waiting {
  readonly id: string;
  readonly challengeId: string;
  readonly device: SoftDevice;
  readonly challenge: Challenge;
}

export const nonce = "n".repeat(43);

/** What a device sends at first that will show this key with `nonce`. */
export const commitTo = (publicKeySpkiDerBase64: string): string =>
  createHash("sha256")
    .update(JSON.stringify(["farhelm-pairing-commitment/v1", publicKeySpkiDerBase64, nonce]))
    .digest("base64url");

export const someCommitment = commitTo("");

export const keyOf = (device: SoftDevice): string => device.identity.publicKeySpkiDerBase64;

export const honest = (challenge: Challenge, device: SoftDevice): DeviceProof =>
  device.prove({ ...challenge, deviceIdentitySha256Base64url: device.identityDigest });

export class PairingCalls {
  readonly #auth: Auth;

  constructor(auth: Auth) {
    this.#auth = auth;
  }

  post(path: string, body: unknown, from: RequestFacts = facts): Promise<unknown> {
    return this.#auth.api.call(path, body, from, undefined);
  }

  start(secret: string, from?: RequestFacts, commitment = someCommitment): Promise<unknown> {
    return this.post(PairStart.path, { secret, deviceName: "Phone", commitment }, from);
  }

  async started(secret: string, commitment: string, from?: RequestFacts): Promise<Challenge> {
    return PairStart.response.parse(await this.start(secret, from, commitment)).challenge;
  }

  typeCode(code: string, from?: RequestFacts, commitment = someCommitment): Promise<unknown> {
    return this.post(PairStart.path, { code, deviceName: "Phone", commitment }, from);
  }

  /** The challenge of a new pairing for a device that announced `key`. */
  redeem(key: string): Promise<Challenge> {
    return this.started(this.#auth.pairing.offer("operator", hostActor).secret, commitTo(key));
  }

  finish(
    { challengeId }: Challenge,
    deviceIdentity: DeviceIdentity,
    proof: DeviceProof,
    options: { path?: string; from?: RequestFacts; deviceNonce?: string } = {},
  ): Promise<unknown> {
    const { path = PairFinish.path, from, deviceNonce = nonce } = options;
    return this.post(path, { challengeId, deviceIdentity, deviceNonce, proof }, from);
  }

  /** As an honest device finishes that announced its own commitment. */
  prove(challenge: Challenge, device: SoftDevice): Promise<unknown> {
    const { identity, nonce: deviceNonce } = device;
    return this.finish(challenge, identity, honest(challenge, device), { deviceNonce });
  }

  status(challengeId: string, waitMs = 0): Promise<unknown> {
    return this.post(PairStatus.path, { challengeId, waitMs });
  }

  /** A device that showed its key and waits, on a host that has one already. */
  async waiting(): Promise<Waiting> {
    if (!this.#auth.devices.hasDevices()) await pair(this.#auth);
    const device = new SoftDevice();
    const { id, secret } = this.#auth.pairing.offer("operator", hostActor);
    const from = { ...facts, address: "192.0.2.7" };
    const challenge = await this.started(secret, device.commitment, from);
    await this.prove(challenge, device);
    return { id, challengeId: challenge.challengeId, device, challenge };
  }
}
