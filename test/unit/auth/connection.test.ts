/** Stolen tokens, used tickets, replayed challenges, and what is left after a revocation. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostActor } from "../../../src/audit/port.ts";
import type { Auth } from "../../../src/auth/auth.ts";
import { AuthError, type RequestFacts } from "../../../src/auth/port.ts";
import {
  ConnectFinish,
  ConnectStart,
  TokenFinish,
  TokenStart,
  type ConnectionPayload,
  type DeviceProof,
} from "../../../src/protocol/auth-api.ts";
import {
  connect,
  connectChallenge,
  Door,
  facts,
  pair,
  refusalOf,
  renew,
  type Paired,
} from "./door.ts";

let door: Door;
let auth: Auth;
let paired: Paired;
beforeEach(async () => {
  door = new Door();
  auth = await door.open();
  paired = await pair(auth);
});
afterEach(() => door.remove());

const elsewhere: RequestFacts = { ...facts, origin: "http://127.0.0.1:7420" };
const finish = (
  challenge: ConnectionPayload,
  proof: DeviceProof,
  token = paired.token,
  from = facts,
): Promise<unknown> =>
  refusalOf(
    auth.api.call(ConnectFinish.path, { sessionId: challenge.sessionId, proof }, from, token),
  );
const start = (bearer: string | undefined): Promise<unknown> =>
  refusalOf(auth.api.call(ConnectStart.path, {}, facts, bearer));
const begin = (index: number): Promise<unknown> =>
  refusalOf(
    auth.api.call(
      TokenStart.path,
      { clientId: paired.clientId },
      { ...facts, address: `10.0.${index >> 8}.${index & 255}` },
      undefined,
    ),
  );
const ticketOutcome = (ticket: string, from = facts): Promise<unknown> =>
  refusalOf(auth.gatekeeper.admitTicket(ticket, from));

describe("a device", () => {
  it("comes in by token, proof and ticket", async () => {
    expect(await ticketOutcome(await connect(auth, paired))).toEqual({
      admitted: {
        kind: "device",
        id: paired.clientId,
        name: "Phone",
        role: "admin",
        address: "127.0.0.1",
      },
    });
  });

  it("renews its token by proof, and comes in with the new one", async () => {
    const token = await renew(auth, paired);
    expect(token).not.toBe(paired.token);
    const outcome = await ticketOutcome(await connect(auth, { ...paired, token }));
    expect(outcome).toMatchObject({ admitted: { id: paired.clientId } });
  });

  it("asks for a connection as often as a person does, not as a loop does", async () => {
    for (let tries = 0; tries < 30; tries += 1) await connectChallenge(auth, paired.token);
    const outcome = await refusalOf(auth.api.call(ConnectStart.path, {}, facts, paired.token));
    expect(outcome).toBe("too_many_attempts");
  });
});

describe("a ticket", () => {
  it("is refused the second time, and once when two use it at once", async () => {
    const ticket = await connect(auth, paired);
    const outcomes = await Promise.all([ticketOutcome(ticket), ticketOutcome(ticket)]);
    expect(outcomes.filter((outcome) => outcome === "ticket_invalid")).toHaveLength(1);
    expect(await ticketOutcome(ticket)).toBe("ticket_invalid");
  });

  it("lives 30 s", async () => {
    const ticket = await connect(auth, paired);
    const early = await connect(auth, paired);
    door.nowMs += 29_999;
    expect(await ticketOutcome(early)).toMatchObject({ admitted: { id: paired.clientId } });
    door.nowMs += 1;
    expect(await ticketOutcome(ticket)).toBe("ticket_invalid");
  });

  it("is good under the origin it was made for, and used up by a try elsewhere", async () => {
    const ticket = await connect(auth, paired);
    expect(await ticketOutcome(ticket, elsewhere)).toBe("wrong_origin");
    expect(await ticketOutcome(ticket)).toBe("ticket_invalid");
  });
});

describe("a device's token", () => {
  it("is over after ten minutes", async () => {
    door.nowMs += 600_000;
    const outcome = await refusalOf(auth.api.call(ConnectStart.path, {}, facts, paired.token));
    expect(outcome).toBe("token_expired");
  });

  it("is asked for, and must be a token", async () => {
    expect([await start(undefined), await start(""), await start("x.y.z")]).toEqual([
      "token_missing",
      "token_invalid",
      "token_invalid",
    ]);
  });
});

describe("a connection's challenge", () => {
  it("is answered once, right or wrong", async () => {
    const challenge = await connectChallenge(auth, paired.token);
    const proof = paired.device.prove(challenge);
    const outcomes = await Promise.all([finish(challenge, proof), finish(challenge, proof)]);
    expect(outcomes.filter((outcome) => outcome === "challenge_unknown")).toHaveLength(1);
    const second = await connectChallenge(auth, paired.token);
    expect(await finish(second, paired.device.proveText("wrong"))).toBe("proof_refused");
    expect(await finish(second, paired.device.prove(second))).toBe("challenge_unknown");
  });

  it.each<[string, (challenge: ConnectionPayload) => object]>([
    ["another nonce", (challenge) => ({ ...challenge, nonce: "A".repeat(43) })],
    ["another session", (challenge) => ({ ...challenge, sessionId: "ses_other" })],
    ["another origin", (challenge) => ({ ...challenge, targetOrigin: "http://localhost:7421" })],
    ["another path", (challenge) => ({ ...challenge, targetPath: "/" })],
    ["another client", (challenge) => ({ ...challenge, clientId: "dev_other" })],
    ["another host", (challenge) => ({ ...challenge, accountUserId: "urn:farhelm:host:other" })],
    ["another token", (challenge) => ({ ...challenge, tokenSha256Base64url: "A".repeat(43) })],
    [
      "a later end of the token",
      (challenge) => ({ ...challenge, tokenExpiresAt: challenge.tokenExpiresAt + 1 }),
    ],
    ["more scopes", (challenge) => ({ ...challenge, scopes: [...challenge.scopes, "admin"] })],
    ["no scopes", (challenge) => ({ ...challenge, scopes: [] })],
    [
      "an enrollment's type",
      (challenge) => ({ ...challenge, type: "remoteControlClientEnrollment" }),
    ],
  ])("refuses a signed payload with %s", async (_, change) => {
    const challenge = await connectChallenge(auth, paired.token);
    expect(await finish(challenge, paired.device.prove(change(challenge)))).toBe("proof_refused");
  });

  it("belongs to its token, its origin and its two minutes", async () => {
    const prove = async (): Promise<[ConnectionPayload, DeviceProof]> => {
      const challenge = await connectChallenge(auth, paired.token);
      return [challenge, paired.device.prove(challenge)];
    };
    const otherToken = await renew(auth, paired);
    expect(await finish(...(await prove()), otherToken)).toBe("challenge_unknown");
    expect(await finish(...(await prove()), paired.token, elsewhere)).toBe("wrong_origin");
    const [challenge, proof] = await prove();
    door.nowMs += 120_000;
    expect(await finish(challenge, proof)).toBe("challenge_unknown");
  });

  it("of one device is none of another", async () => {
    const other = await pair(auth);
    const challenge = await connectChallenge(auth, paired.token);
    expect(await finish(challenge, other.device.prove(challenge), other.token)).toBe(
      "challenge_unknown",
    );
  });

  it("is not answered by a proof made to renew a token", async () => {
    const { challenge } = TokenStart.response.parse(
      await auth.api.call(TokenStart.path, { clientId: paired.clientId }, facts, undefined),
    );
    const connection = await connectChallenge(auth, paired.token);
    expect(await finish(connection, paired.device.prove(challenge))).toBe("proof_refused");
    const swapped = { challengeId: challenge.challengeId, proof: paired.device.prove(connection) };
    expect(await refusalOf(auth.api.call(TokenFinish.path, swapped, facts, undefined))).toBe(
      "proof_refused",
    );
  });
});

describe("challenges", () => {
  it("are capped in number, and there is room again when they have expired", async () => {
    for (let index = 0; index < 2000; index += 1) await begin(index);
    expect(await begin(2000)).toBe("challenges_exhausted");
    door.nowMs += 120_000;
    expect(await begin(2001)).toMatchObject({ admitted: {} });
  });
});

describe("a revocation", () => {
  it("tells at once, ends ticket, challenge and token, and says the truth the second time", async () => {
    const ended: unknown[] = [];
    auth.gatekeeper.onEnd((id, reason) => ended.push([id, reason]));
    const ticket = await connect(auth, paired);
    const challenge = await connectChallenge(auth, paired.token);
    const { challenge: renewal } = TokenStart.response.parse(
      await auth.api.call(TokenStart.path, { clientId: paired.clientId }, facts, undefined),
    );

    expect(auth.devices.revoke(paired.clientId, hostActor)).toBe(true);
    expect(ended).toEqual([[paired.clientId, "revoked"]]);
    expect(auth.devices.revoke(paired.clientId, hostActor)).toBe(false);
    expect(auth.devices.revoke("dev_unknown", hostActor)).toBe(false);
    expect(ended).toHaveLength(1);

    expect(await ticketOutcome(ticket)).toBe("ticket_invalid");
    expect(await finish(challenge, paired.device.prove(challenge))).toBe("device_revoked");
    const body = { challengeId: renewal.challengeId, proof: paired.device.prove(renewal) };
    expect(await refusalOf(auth.api.call(TokenFinish.path, body, facts, undefined))).toBe(
      "challenge_unknown",
    );
    expect(
      await refusalOf(
        auth.api.call(TokenStart.path, { clientId: paired.clientId }, facts, undefined),
      ),
    ).toBe("device_revoked");
    expect(auth.devices.list()).toEqual([]);
  });

  it("does not keep the same key from being paired again, under a new id", async () => {
    auth.devices.revoke(paired.clientId, hostActor);
    const again = await pair(auth, { device: paired.device });
    expect(again.clientId).not.toBe(paired.clientId);
    expect(await ticketOutcome(await connect(auth, again))).toMatchObject({
      admitted: { id: again.clientId },
    });
    const old = await refusalOf(auth.api.call(ConnectStart.path, {}, facts, paired.token));
    expect(old).toBe("device_revoked");
  });

  it("outlives a restart", async () => {
    auth.devices.revoke(paired.clientId, hostActor);
    const { id, token } = await auth.devices.issueHeadless("ci", "viewer", 60_000, hostActor);
    auth.devices.revoke(id, hostActor);
    door.close();
    auth = await door.open();
    expect(await refusalOf(auth.api.call(ConnectStart.path, {}, facts, paired.token))).toBe(
      "device_revoked",
    );
    expect(await refusalOf(auth.gatekeeper.admitBearer(token, facts))).toBe("bearer_invalid");
  });
});

describe("a headless token", () => {
  it("is taken from this machine only, and not through a proxy", async () => {
    const { token, id } = await auth.devices.issueHeadless("ci", "operator", 60_000, hostActor);
    const admit = (from: RequestFacts): Promise<unknown> =>
      refusalOf(auth.gatekeeper.admitBearer(token, from));
    const remote = { ...facts, address: "192.168.1.9", loopback: false };
    expect(await admit(remote)).toBe("headless_remote");
    expect(await admit({ ...facts, forwarded: true })).toBe("headless_remote");
    expect(await admit(facts)).toMatchObject({ admitted: { id } });
    door.close();
    auth = await door.open({ allowRemoteHeadless: true });
    expect(await admit(remote)).toMatchObject({ admitted: { id } });
  });

  it("ends with its time", async () => {
    const { token } = await auth.devices.issueHeadless("ci", "operator", 60_000, hostActor);
    door.nowMs += 60_000;
    expect(await refusalOf(auth.gatekeeper.admitBearer(token, facts))).toBe("bearer_expired");
  });
});

describe("texts of refusals", () => {
  it("hold nothing of what was sent", async () => {
    const canary = "canary-4f1c";
    const tries = [
      auth.gatekeeper.admitBearer(canary, facts),
      auth.gatekeeper.admitTicket(canary, facts),
      auth.api.call("/auth/pair/start", { secret: canary, deviceName: canary }, facts, undefined),
      auth.api.call("/auth/pair/start", { secret: canary, deviceName: 1 }, facts, undefined),
      auth.api.call(TokenStart.path, { clientId: canary }, facts, undefined),
      auth.api.call(ConnectStart.path, {}, facts, canary),
      auth.api.call(`/auth/${canary}`, {}, facts, canary),
      auth.devices.issueHeadless("\u0007", "viewer", 60_000, hostActor),
      auth.devices.issueHeadless(canary, "viewer", 0, hostActor),
    ];
    for (const outcome of tries) {
      const error: unknown = await outcome.catch((reason: unknown) => reason);
      if (!(error instanceof AuthError)) throw new Error("not refused");
      expect(
        JSON.stringify([
          error,
          error.code,
          error.nextStep,
          error.message,
          error.stack,
          error.cause,
        ]),
      ).not.toContain(canary);
      expect([error.code, error.message, error.nextStep].every((text) => text !== "")).toBe(true);
    }
  });
});
