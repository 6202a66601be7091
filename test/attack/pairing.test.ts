/** Pairing links: guessed, reused, raced, expired, and keys that are not one's own. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostActor } from "../../src/audit/port.ts";
import type { Auth } from "../../src/auth/auth.ts";
import { AuthError, type RequestFacts } from "../../src/auth/port.ts";
import {
  PairFinish,
  PairStart,
  TokenFinish,
  type DeviceIdentity,
  type DeviceProof,
} from "../../src/protocol/auth-api.ts";
import { Door, facts, pair, refusalOf } from "../unit/auth/door.ts";
import { SoftDevice } from "../unit/auth/soft-device.ts";

let door: Door;
let auth: Auth;
beforeEach(async () => {
  door = new Door();
  auth = await door.open();
});
afterEach(() => door.remove());

const start = (secret: string, from: RequestFacts = facts): Promise<unknown> =>
  auth.api.call(PairStart.path, { secret, deviceName: "Phone" }, from, undefined);
type Challenge = ReturnType<typeof PairStart.response.parse>["challenge"];
const redeem = async (): Promise<Challenge> =>
  PairStart.response.parse(await start(auth.devices.offerPairing("operator", hostActor).secret))
    .challenge;
const finish = (
  challenge: Challenge,
  deviceIdentity: DeviceIdentity,
  proof: DeviceProof,
  options: { path?: string; from?: RequestFacts } = {},
): Promise<unknown> =>
  auth.api.call(
    options.path ?? PairFinish.path,
    { challengeId: challenge.challengeId, deviceIdentity, proof },
    options.from ?? facts,
    undefined,
  );
const honest = (challenge: Challenge, device: SoftDevice): DeviceProof =>
  device.prove({ ...challenge, deviceIdentitySha256Base64url: device.identityDigest });

describe("C12: the link", () => {
  it("is wrong until it is right, and works once", async () => {
    const { secret } = auth.devices.offerPairing("operator", hostActor);
    expect(await refusalOf(start("guess"))).toBe("pairing_invalid");
    await start(secret);
    expect(await refusalOf(start(secret))).toBe("pairing_used");
  });

  it("has one winner when two open it at once", async () => {
    const { secret } = auth.devices.offerPairing("operator", hostActor);
    const outcomes = await Promise.all([refusalOf(start(secret)), refusalOf(start(secret))]);
    expect(outcomes.filter((outcome) => outcome === "pairing_used")).toHaveLength(1);
  });

  it("locks after ten wrong secrets from any addresses, for the right one too, until a new link", async () => {
    const { secret } = auth.devices.offerPairing("operator", hostActor);
    const codes: unknown[] = [];
    for (let address = 1; address <= 11; address += 1) {
      codes.push(
        await refusalOf(start(`guess ${address}`, { ...facts, address: `10.0.0.${address}` })),
      );
    }
    expect(codes).toEqual([
      ...Array<string>(9).fill("pairing_invalid"),
      "pairing_locked",
      "pairing_locked",
    ]);
    const error: unknown = await start(secret).catch((reason: unknown) => reason);
    if (!(error instanceof AuthError)) throw new Error("admitted");
    const { status, code, message, nextStep } = error;
    expect({ status, code, message, nextStep }).toEqual({
      status: 403,
      code: "pairing_locked",
      message: "Pairing is locked after too many wrong links.",
      nextStep: "Run `npx farhelm pair` on the host and open the new link.",
    });
    expect((await pair(auth)).role).toBe("admin");
  });

  it("limits one address and says how long to wait", async () => {
    const codes: unknown[] = [];
    for (let tries = 0; tries < 61; tries += 1) codes.push(await refusalOf(start("guess")));
    expect(codes.at(-1)).toBe("too_many_attempts");
    const error: unknown = await start("guess").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 429, nextStep: "Wait 1 s and try again." });
    door.nowMs += 1000;
    expect(await refusalOf(start("guess"))).toBe("pairing_invalid");
  });

  it("counts the addresses of one IPv6 network as one", async () => {
    const codes = new Set<unknown>();
    for (let tries = 0; tries < 61; tries += 1) {
      const address = tries % 2 === 0 ? `2001:db8::${tries}` : `2001:db8:0:0:${tries}::1`;
      codes.add(await refusalOf(start("guess", { ...facts, address })));
    }
    expect(codes).toContain("too_many_attempts");
  });

  it("expires after ten minutes, and a challenge of it does too", async () => {
    const { secret, expiresAtMs } = auth.devices.offerPairing("operator", hostActor);
    expect(expiresAtMs - door.nowMs).toBe(600_000);
    door.nowMs += 600_000;
    expect(await refusalOf(start(secret))).toBe("pairing_expired");
    expect(await refusalOf(start("guess"))).toBe("pairing_invalid");

    const device = new SoftDevice();
    const challenge = await redeem();
    door.nowMs += 120_000;
    expect(await refusalOf(finish(challenge, device.identity, honest(challenge, device)))).toBe(
      "challenge_unknown",
    );
    expect(auth.devices.list()).toEqual([]);
  });

  it("ends when a newer link is made", async () => {
    const { secret } = auth.devices.offerPairing("operator", hostActor);
    const challenge = await redeem();
    expect(await refusalOf(start(secret))).toBe("pairing_invalid");
    auth.devices.offerPairing("viewer", hostActor);
    const device = new SoftDevice();
    expect(await refusalOf(finish(challenge, device.identity, honest(challenge, device)))).toBe(
      "challenge_unknown",
    );
  });

  it("gives no role but its own, except to the first device", async () => {
    expect((await pair(auth, { role: "viewer" })).role).toBe("admin");
    expect((await pair(auth, { role: "viewer" })).role).toBe("viewer");
  });

  it("asks nothing that is not in its form", async () => {
    const { secret } = auth.devices.offerPairing("operator", hostActor);
    const call = (body: unknown): Promise<unknown> =>
      refusalOf(auth.api.call(PairStart.path, body, facts, undefined));
    expect(await call({ secret })).toBe("bad_request");
    expect(await call({ secret, deviceName: "" })).toBe("bad_request");
    expect(await call({ secret, deviceName: "\u202E\u0007" })).toBe("bad_name");
    expect(await call("text")).toBe("bad_request");
    expect(await refusalOf(auth.api.call("/auth/other", {}, facts, undefined))).toBe("not_found");
    await start(secret);
  });
});

describe("C5-C10: the proof", () => {
  it("makes a device, once, when two answers come at once", async () => {
    const device = new SoftDevice();
    const challenge = await redeem();
    const proof = honest(challenge, device);
    const outcomes = await Promise.all([
      refusalOf(finish(challenge, device.identity, proof)),
      refusalOf(finish(challenge, device.identity, proof)),
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
        return finish(challenge, stolen, honest(challenge, thief));
      },
    ],
    [
      "my key where the victim's was signed",
      "pairing_refused",
      (challenge, device, thief) => finish(challenge, thief.identity, honest(challenge, device)),
    ],
    [
      "the victim's payload signed by me",
      "pairing_refused",
      (challenge, device, thief) => {
        const payload = { ...challenge, deviceIdentitySha256Base64url: device.identityDigest };
        return finish(challenge, thief.identity, thief.prove(payload));
      },
    ],
    [
      "another key id in the proof",
      "pairing_refused",
      (challenge, device) =>
        finish(challenge, device.identity, { ...honest(challenge, device), keyId: "other" }),
    ],
    [
      "another protection class than was signed",
      "pairing_refused",
      (challenge, device) =>
        finish(
          challenge,
          { ...device.identity, protectionClass: "hardware_tpm" },
          honest(challenge, device),
        ),
    ],
    [
      "another nonce",
      "pairing_refused",
      (challenge, device) =>
        finish(challenge, device.identity, honest({ ...challenge, nonce: "A".repeat(43) }, device)),
    ],
    [
      "another origin in the payload",
      "pairing_refused",
      (challenge, device) =>
        finish(
          challenge,
          device.identity,
          honest({ ...challenge, targetOrigin: "https://evil.example" }, device),
        ),
    ],
    [
      "another path in the payload",
      "pairing_refused",
      (challenge, device) =>
        finish(
          challenge,
          device.identity,
          honest({ ...challenge, targetPath: TokenFinish.path }, device),
        ),
    ],
    [
      "another host's account",
      "pairing_refused",
      (challenge, device) =>
        finish(
          challenge,
          device.identity,
          honest({ ...challenge, accountUserId: "urn:farhelm:host:other" }, device),
        ),
    ],
    [
      "a member more",
      "pairing_refused",
      (challenge, device) =>
        finish(
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
        finish(challenge, device.identity, device.proveText(JSON.stringify(challenge))),
    ],
    [
      "a signature over other bytes than were sent",
      "pairing_refused",
      (challenge, device) => {
        const { signatureDerBase64 } = device.proveText("other");
        return finish(challenge, device.identity, {
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
        return finish(challenge, device.identity, {
          ...proof,
          signedPayloadBase64: `${signedPayloadBase64} `,
        });
      },
    ],
    [
      "a key that is none",
      "bad_key",
      (challenge, device) =>
        finish(
          challenge,
          { ...device.identity, publicKeySpkiDerBase64: "AAAA" },
          honest(challenge, device),
        ),
    ],
    [
      "a request to another origin of the host",
      "wrong_origin",
      (challenge, device) =>
        finish(challenge, device.identity, honest(challenge, device), {
          from: { ...facts, origin: "http://127.0.0.1:7420" },
        }),
    ],
  ])("refuses %s, and the link is used up", async (_, code, attempt) => {
    const device = new SoftDevice();
    const challenge = await redeem();
    expect(await refusalOf(attempt(challenge, device, new SoftDevice()))).toBe(code);
    expect(await refusalOf(finish(challenge, device.identity, honest(challenge, device)))).toBe(
      "challenge_unknown",
    );
    expect(auth.devices.list()).toEqual([]);
  });

  it("cannot be answered on the route that renews tokens", async () => {
    const device = new SoftDevice();
    const challenge = await redeem();
    const outcome = finish(challenge, device.identity, honest(challenge, device), {
      path: TokenFinish.path,
    });
    expect(await refusalOf(outcome)).toBe("challenge_unknown");
  });

  it("C8: only the exact bytes count", async () => {
    const device = new SoftDevice();
    const variants: ((text: string) => string)[] = [
      (text) => text.replace('{"domain"', '{ "domain"'),
      (text) => `${text}\n`,
      (text) => text.replace('"audience"', String.raw`"\u0061udience"`),
      (text) => text.replace('{"accountUserId"', '{"nonce":"x","accountUserId"'),
      (text) =>
        text.replace(/\{"domain":("[^"]+"),"payload":(.*)\}$/, '{"payload":$2,"domain":$1}'),
    ];
    for (const vary of variants) {
      const challenge = await redeem();
      const { signedPayloadBase64 } = honest(challenge, device);
      const text = Buffer.from(signedPayloadBase64, "base64").toString();
      expect(vary(text)).not.toBe(text);
      expect(
        await refusalOf(finish(challenge, device.identity, device.proveText(vary(text)))),
      ).toBe("pairing_refused");
    }
  });
});

describe("C11: one key twice", () => {
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
