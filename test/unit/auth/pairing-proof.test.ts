/** Proofs of new keys that are nearly right, and keys that are not one's own. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Auth } from "../../../src/auth/auth.ts";
import { TokenFinish } from "../../../src/protocol/auth-api.ts";
import { Door, facts, pair, refusalOf } from "./door.ts";
import { honest, keyOf, PairingCalls, type Challenge } from "./pairing-calls.ts";
import { SoftDevice } from "./soft-device.ts";

let door: Door;
let auth: Auth;
let calls: PairingCalls;
beforeEach(async () => {
  door = new Door();
  auth = await door.open();
  calls = new PairingCalls(auth);
});
afterEach(() => door.remove());

describe("the proof", () => {
  it("makes a device, once, when two answers come at once", async () => {
    const device = new SoftDevice();
    const challenge = await calls.redeem(keyOf(device));
    const proof = honest(challenge, device);
    const outcomes = await Promise.all([
      refusalOf(calls.finish(challenge, device.identity, proof)),
      refusalOf(calls.finish(challenge, device.identity, proof)),
    ]);
    expect(outcomes[0]).toMatchObject({
      admitted: { role: "admin", clientId: challenge.clientId },
    });
    expect(outcomes[1]).toBe("challenge_unknown");
    expect(auth.devices.list()).toHaveLength(1);
  });

  it.each<
    [
      string,
      string,
      (challenge: Challenge, device: SoftDevice, thief: SoftDevice) => Promise<unknown>,
      ((device: SoftDevice, thief: SoftDevice) => string)?,
    ]
  >([
    [
      "a victim's key under my name",
      "pairing_refused",
      (challenge, device, thief) => {
        const stolen = {
          ...thief.identity,
          publicKeySpkiDerBase64: device.identity.publicKeySpkiDerBase64,
        };
        return calls.finish(challenge, stolen, honest(challenge, thief));
      },
    ],
    [
      "my key where the victim's was signed",
      "pairing_refused",
      (challenge, device, thief) =>
        calls.finish(challenge, thief.identity, honest(challenge, device)),
      (_, thief) => keyOf(thief),
    ],
    [
      "the victim's payload signed by me",
      "pairing_refused",
      (challenge, device, thief) => {
        const payload = { ...challenge, deviceIdentitySha256Base64url: device.identityDigest };
        return calls.finish(challenge, thief.identity, thief.prove(payload));
      },
      (_, thief) => keyOf(thief),
    ],
    [
      "another key than was announced",
      "pairing_refused",
      (challenge, _, thief) => calls.finish(challenge, thief.identity, honest(challenge, thief)),
    ],
    [
      "another nonce of the device than was announced",
      "pairing_refused",
      (challenge, device) =>
        calls.finish(challenge, device.identity, honest(challenge, device), {
          deviceNonce: "m".repeat(43),
        }),
    ],
    [
      "another key id in the proof",
      "pairing_refused",
      (challenge, device) =>
        calls.finish(challenge, device.identity, { ...honest(challenge, device), keyId: "other" }),
    ],
    [
      "another protection class than was signed",
      "pairing_refused",
      (challenge, device) =>
        calls.finish(
          challenge,
          { ...device.identity, protectionClass: "hardware_tpm" },
          honest(challenge, device),
        ),
    ],
    [
      "another nonce",
      "pairing_refused",
      (challenge, device) =>
        calls.finish(
          challenge,
          device.identity,
          honest({ ...challenge, nonce: "A".repeat(43) }, device),
        ),
    ],
    [
      "another origin in the payload",
      "pairing_refused",
      (challenge, device) =>
        calls.finish(
          challenge,
          device.identity,
          honest({ ...challenge, targetOrigin: "https://evil.example" }, device),
        ),
    ],
    [
      "another path in the payload",
      "pairing_refused",
      (challenge, device) =>
        calls.finish(
          challenge,
          device.identity,
          honest({ ...challenge, targetPath: TokenFinish.path }, device),
        ),
    ],
    [
      "another host's account",
      "pairing_refused",
      (challenge, device) =>
        calls.finish(
          challenge,
          device.identity,
          honest({ ...challenge, accountUserId: "urn:farhelm:host:other" }, device),
        ),
    ],
    [
      "a member more",
      "pairing_refused",
      (challenge, device) =>
        calls.finish(
          challenge,
          device.identity,
          device.prove({
            ...challenge,
            deviceIdentitySha256Base64url: device.identityDigest,
            extra: 1,
          }),
        ),
    ],
    [
      "the payload without its domain",
      "pairing_refused",
      (challenge, device) =>
        calls.finish(challenge, device.identity, device.proveText(JSON.stringify(challenge))),
    ],
    [
      "a signature over other bytes than were sent",
      "pairing_refused",
      (challenge, device) => {
        const { signatureDerBase64 } = device.proveText("other");
        return calls.finish(challenge, device.identity, {
          ...honest(challenge, device),
          signatureDerBase64,
        });
      },
    ],
    [
      "URL-safe base64",
      "pairing_refused",
      (challenge, device) => {
        const proof = honest(challenge, device);
        const signedPayloadBase64 = Buffer.from(proof.signedPayloadBase64, "base64").toString(
          "base64url",
        );
        return calls.finish(challenge, device.identity, {
          ...proof,
          signedPayloadBase64: `${signedPayloadBase64} `,
        });
      },
    ],
    [
      "a key that is none",
      "bad_key",
      (challenge, device) =>
        calls.finish(
          challenge,
          { ...device.identity, publicKeySpkiDerBase64: "AAAA" },
          honest(challenge, device),
        ),
      () => "AAAA",
    ],
    [
      "a request to another origin of the host",
      "wrong_origin",
      (challenge, device) =>
        calls.finish(challenge, device.identity, honest(challenge, device), {
          from: { ...facts, origin: "http://127.0.0.1:7420" },
        }),
    ],
  ])("refuses %s, and the link is used up", async (_, code, attempt, announced = keyOf) => {
    const [device, thief] = [new SoftDevice(), new SoftDevice()];
    const challenge = await calls.redeem(announced(device, thief));
    expect(await refusalOf(attempt(challenge, device, thief))).toBe(code);
    expect(
      await refusalOf(calls.finish(challenge, device.identity, honest(challenge, device))),
    ).toBe("pairing_refused");
    expect(auth.devices.list()).toEqual([]);
  });

  it("cannot be answered on the route that renews tokens", async () => {
    const device = new SoftDevice();
    const challenge = await calls.redeem(keyOf(device));
    const outcome = calls.finish(challenge, device.identity, honest(challenge, device), {
      path: TokenFinish.path,
    });
    expect(await refusalOf(outcome)).toBe("challenge_unknown");
  });

  it("counts only for the exact bytes", async () => {
    const device = new SoftDevice();
    const variants: ((text: string) => string)[] = [
      (text) => text.replace('{"domain"', '{ "domain"'),
      (text) => `${text}\n`,
      (text) => text.replace('"audience"', String.raw`"\u0061udience"`),
      (text) => text.replace('"payload":{', '"payload":{"nonce":"x",'),
      (text) =>
        text.replace(/\{"domain":("[^"]+"),"payload":(.*)\}$/, '{"payload":$2,"domain":$1}'),
    ];
    for (const vary of variants) {
      const challenge = await calls.redeem(keyOf(device));
      const { signedPayloadBase64 } = honest(challenge, device);
      const text = Buffer.from(signedPayloadBase64, "base64").toString();
      expect(vary(text)).not.toBe(text);
      expect(
        await refusalOf(calls.finish(challenge, device.identity, device.proveText(vary(text)))),
      ).toBe("pairing_refused");
    }
  });
});

describe("one key twice", () => {
  it("is one device: the earlier one loses its access", async () => {
    const ended: unknown[] = [];
    auth.gatekeeper.onEnd((id, reason) => ended.push([id, reason]));
    const first = await pair(auth);
    const second = await pair(auth, { device: first.device, name: "Again" });
    expect(auth.devices.list().map(({ id, name }) => [id, name])).toEqual([
      [second.clientId, "Again"],
    ]);
    expect(ended).toEqual([[first.clientId, "revoked"]]);
  });
});
