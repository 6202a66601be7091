/** Pairing by link and by code: guessed, reused, raced, expired, confirmed and refused. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostActor } from "../../../src/audit/port.ts";
import type { Auth } from "../../../src/auth/auth.ts";
import { AuthError, type RequestFacts } from "../../../src/auth/port.ts";
import { PairStart } from "../../../src/protocol/auth-api.ts";
import { Door, facts, pair, refusalOf } from "./door.ts";
import { honest, keyOf, PairingCalls, someCommitment } from "./pairing-calls.ts";
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

const phaseOf = (id: string): string | undefined =>
  auth.pairing.list().find((pairing) => pairing.id === id)?.phase;

const network = (number: number): RequestFacts => ({ ...facts, address: `10.1.${number}.1` });

const refusalText = async (attempt: Promise<unknown>): Promise<unknown> => {
  const error: unknown = await attempt.catch((reason: unknown) => reason);
  if (!(error instanceof AuthError)) throw new Error("admitted");
  const { status, code, message, nextStep } = error;
  return { status, code, message, nextStep };
};

const codeTries = async (count: number, of: (at: number) => number): Promise<unknown[]> => {
  const codes: unknown[] = [];
  for (let at = 0; at < count; at += 1) {
    codes.push(await refusalOf(calls.typeCode("0", network(of(at)))));
  }
  return codes;
};

describe("the link", () => {
  it("is wrong until it is right, and works once", async () => {
    const { secret } = auth.pairing.offer("operator", hostActor);
    expect(await refusalOf(calls.start("guess"))).toBe("pairing_invalid");
    await calls.start(secret);
    expect(await refusalOf(calls.start(secret))).toBe("pairing_used");
  });

  it("has one winner when two open it at once", async () => {
    const { secret } = auth.pairing.offer("operator", hostActor);
    const outcomes = await Promise.all([
      refusalOf(calls.start(secret)),
      refusalOf(calls.start(secret)),
    ]);
    expect(outcomes.filter((outcome) => outcome === "pairing_used")).toHaveLength(1);
  });

  it("is not locked by wrong ones: it cannot be guessed", async () => {
    const { secret } = auth.pairing.offer("operator", hostActor);
    for (let address = 1; address <= 50; address += 1) {
      const from = { ...facts, address: `10.0.0.${address}` };
      expect(await refusalOf(calls.start(`guess ${address}`, from))).toBe("pairing_invalid");
    }
    await calls.start(secret);
  });

  it("limits one address and says how long to wait", async () => {
    const codes: unknown[] = [];
    for (let tries = 0; tries < 61; tries += 1) codes.push(await refusalOf(calls.start("guess")));
    expect(codes.at(-1)).toBe("too_many_attempts");
    const error: unknown = await calls.start("guess").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 429, nextStep: "Wait 1 s and try again." });
    door.nowMs += 1000;
    expect(await refusalOf(calls.start("guess"))).toBe("pairing_invalid");
  });

  it("counts the addresses of one IPv6 network as one", async () => {
    const codes = new Set<unknown>();
    for (let tries = 0; tries < 61; tries += 1) {
      const address = tries % 2 === 0 ? `2001:db8::${tries}` : `2001:db8:0:0:${tries}::1`;
      codes.add(await refusalOf(calls.start("guess", { ...facts, address })));
    }
    expect(codes).toContain("too_many_attempts");
  });

  it("expires after ten minutes, and a challenge of it after two", async () => {
    const { secret, expiresAtMs } = auth.pairing.offer("operator", hostActor);
    expect(expiresAtMs - door.nowMs).toBe(600_000);
    door.nowMs += 600_000;
    expect(await refusalOf(calls.start(secret))).toBe("pairing_expired");
    expect(await refusalOf(calls.start("guess"))).toBe("pairing_invalid");

    const device = new SoftDevice();
    const challenge = await calls.redeem(keyOf(device));
    door.nowMs += 120_000;
    expect(
      await refusalOf(calls.finish(challenge, device.identity, honest(challenge, device))),
    ).toBe("pairing_expired");
    expect(auth.devices.list()).toEqual([]);
  });

  it("goes on beside others, up to sixteen", async () => {
    const offers = Array.from({ length: 16 }, () => auth.pairing.offer("operator", hostActor));
    expect(() => auth.pairing.offer("operator", hostActor)).toThrow("16 pairings are under way");
    for (const { secret } of offers.slice(1)) await calls.start(secret);
    expect(auth.pairing.cancel(offers[0]?.id ?? "", hostActor)).toBe(true);
    auth.pairing.offer("operator", hostActor);
    expect(await refusalOf(calls.start(offers[0]?.secret ?? ""))).toBe("pairing_cancelled");
  });

  it("gives no role but its own, except to the first device", async () => {
    expect((await pair(auth, { role: "viewer" })).role).toBe("admin");
    expect((await pair(auth, { role: "viewer" })).role).toBe("viewer");
  });

  it("asks nothing that is not in its form", async () => {
    const { secret, code } = auth.pairing.offer("operator", hostActor);
    const call = (body: unknown): Promise<unknown> => refusalOf(calls.post(PairStart.path, body));
    const rest = { deviceName: "Phone", commitment: someCommitment };
    expect(await call({ secret })).toBe("bad_request");
    expect(await call({ ...rest, secret, deviceName: "" })).toBe("bad_request");
    expect(await call({ ...rest, secret, code })).toBe("bad_request");
    expect(await call(rest)).toBe("bad_request");
    expect(await call({ ...rest, secret, commitment: "short" })).toBe("bad_request");
    expect(await call({ ...rest, secret, deviceName: "\u202E\u0007" })).toBe("bad_name");
    expect(await call("text")).toBe("bad_request");
    expect(await refusalOf(calls.post("/auth/other", {}))).toBe("not_found");
    await calls.start(secret);
  });
});

describe("the code", () => {
  it("is eight characters of an alphabet without look-alikes, and is read as people type it", async () => {
    const typed = [
      (code: string) => code,
      (code: string) => code.toLowerCase(),
      (code: string) => ` ${code.replace("-", " ")} `,
      (code: string) => code.replace("-", "").split("").join("."),
    ];
    for (const [at, type] of typed.entries()) {
      const { code } = auth.pairing.offer("operator", hostActor);
      expect(code).toMatch(/^[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$/);
      await calls.typeCode(type(code ?? ""), network(at));
    }
  });

  it("is not a link, and a link is not a code", async () => {
    const { code, secret } = auth.pairing.offer("operator", hostActor);
    expect(await refusalOf(calls.start(code ?? ""))).toBe("pairing_invalid");
    expect(await refusalOf(calls.typeCode(secret))).toBe("pairing_code_invalid");
  });

  it("does not confirm the first device by itself", async () => {
    const device = new SoftDevice();
    const { id, code } = auth.pairing.offer("operator", hostActor);
    const typed = await calls.typeCode(code ?? "", undefined, device.commitment);
    const { challenge } = PairStart.response.parse(typed);
    expect(await calls.prove(challenge, device)).toMatchObject({ status: "waiting" });
    expect(auth.devices.hasDevices()).toBe(false);
    expect(auth.pairing.confirm(id, hostActor)).toBe(true);
    expect(await calls.status(challenge.challengeId)).toMatchObject({
      status: "enrolled",
      role: "admin",
    });
  });

  it("is dead after ten wrong tries from any networks; what it says tells nothing; the link goes on", async () => {
    const { id, secret, code } = auth.pairing.offer("operator", hostActor);
    const codes: unknown[] = [];
    for (let at = 1; at <= 11; at += 1) {
      codes.push(await refusalOf(calls.typeCode("AAAA-AAAA", network(at))));
    }
    codes.push(await refusalOf(calls.typeCode(code ?? "", network(12))));
    expect(codes).toEqual([
      ...Array<string>(9).fill("pairing_code_invalid"),
      ...Array<string>(3).fill("pairing_locked"),
    ]);
    expect(phaseOf(id)).toBe("locked");
    const fresh = auth.pairing.offer("operator", hostActor);
    expect(await refusalOf(calls.typeCode("AAAA-AAAA", network(13)))).toBe("pairing_code_invalid");
    await calls.typeCode(fresh.code ?? "", network(14));
    await calls.start(secret, network(1));
    expect(door.audit.entries.filter(({ act }) => act === "pair.lock")).toHaveLength(1);
  });

  it("says the same of every wrong code, whether one is open or not; only who knows an old one hears that it is over", async () => {
    const wrong = await refusalText(calls.typeCode("AAAA-AAAA", network(1)));
    auth.pairing.offer("operator", hostActor);
    expect(await refusalText(calls.typeCode("AAAA-AAAA", network(2)))).toEqual(wrong);
    expect(await refusalText(calls.typeCode("0O1I", network(3)))).toEqual(wrong);
    const old = auth.pairing.offer("operator", hostActor);
    door.nowMs += 1_200_000;
    expect(await refusalOf(calls.typeCode(old.code ?? "", network(4)))).toBe("pairing_expired");
  });

  it("is tried six times at once from one network, then every ten seconds; thirty times by all", async () => {
    expect(await codeTries(7, () => 1)).toEqual([
      ...Array<string>(6).fill("pairing_code_invalid"),
      "too_many_attempts",
    ]);
    door.nowMs += 10_000;
    expect(await codeTries(2, () => 1)).toEqual(["pairing_code_invalid", "too_many_attempts"]);
    const all = await codeTries(60, (at) => 2 + at);
    expect(all.filter((code) => code === "too_many_attempts").length).toBeGreaterThan(30);
  });
});

describe("a device that waits", () => {
  it("shows the words that the admin sees, beside its name, address, key and role", async () => {
    const { id, device, challenge } = await calls.waiting();
    const [, seen] = auth.pairing.list();
    const fingerprint = auth.hostFingerprint;
    const words = device.words(challenge, fingerprint);
    expect(new Set(words).size).toBeGreaterThan(1);
    expect(seen).toEqual({
      id,
      phase: "proved",
      role: "operator",
      deviceTtlMs: null,
      expiresAtMs: door.nowMs + 300_000,
      because: null,
      deviceId: null,
      request: {
        deviceName: "Phone",
        address: "192.0.2.7",
        way: "link",
        fingerprint: expect.stringMatching(/^[0-9a-f]{4}( [0-9a-f]{4}){3}$/),
        words,
      },
    });
  });

  it("is in when it was confirmed, and not before; it may ask again", async () => {
    const { id, challengeId } = await calls.waiting();
    expect(await calls.status(challengeId)).toMatchObject({ status: "waiting" });
    expect(auth.devices.list()).toHaveLength(1);
    expect(auth.pairing.confirm(id, hostActor)).toBe(true);
    expect(auth.devices.list()).toHaveLength(1);
    const first = await calls.status(challengeId);
    expect(first).toMatchObject({ status: "enrolled", role: "operator" });
    expect(await calls.status(challengeId)).toMatchObject({ status: "enrolled" });
    expect(auth.devices.list()).toHaveLength(2);
    expect(auth.pairing.confirm(id, hostActor)).toBe(false);
    auth.devices.revoke(Object(first).clientId, hostActor);
    expect(await refusalOf(calls.status(challengeId))).toBe("device_revoked");
  });

  it("hears at once what was decided", async () => {
    const { id, challengeId } = await calls.waiting();
    const told = calls.status(challengeId, 20_000);
    auth.pairing.confirm(id, hostActor);
    expect(await told).toMatchObject({ status: "enrolled" });
    const other = await calls.waiting();
    const refused = refusalOf(calls.status(other.challengeId, 20_000));
    expect(auth.pairing.refuse(other.id, hostActor)).toBe(true);
    expect(await refused).toBe("pairing_declined");
    expect(auth.pairing.refuse(other.id, hostActor)).toBe(false);
  });

  it("stays out when nobody answers, and when it comes too late for its token", async () => {
    const forgotten = await calls.waiting();
    door.nowMs += 300_000;
    expect(await refusalOf(calls.status(forgotten.challengeId))).toBe("pairing_expired");
    expect(auth.pairing.confirm(forgotten.id, hostActor)).toBe(false);
    const late = await calls.waiting();
    auth.pairing.confirm(late.id, hostActor);
    door.nowMs += 120_000;
    expect(await refusalOf(calls.status(late.challengeId))).toBe("pairing_expired");
    expect(auth.devices.list()).toHaveLength(1);
  });

  it("leaves no place for who comes later with the same link", async () => {
    await pair(auth);
    const { id, secret } = auth.pairing.offer("operator", hostActor);
    const thief = new SoftDevice();
    const challenge = await calls.started(secret, thief.commitment);
    expect(await refusalOf(calls.start(secret))).toBe("pairing_used");
    await calls.prove(challenge, thief);
    expect(await refusalOf(calls.start(secret))).toBe("pairing_used");
    auth.pairing.refuse(id, hostActor);
    expect(await refusalOf(calls.status(challenge.challengeId))).toBe("pairing_declined");
    expect(await refusalOf(calls.start(secret))).toBe("pairing_used");
    expect(auth.devices.list()).toHaveLength(1);
  });

  it("is one of a few that a link admits alone only while there is no device", async () => {
    const links = [
      auth.pairing.offer("viewer", hostActor),
      auth.pairing.offer("viewer", hostActor),
    ];
    const outcomes: unknown[] = [];
    for (const { secret } of links) {
      const device = new SoftDevice();
      const challenge = await calls.started(secret, device.commitment);
      outcomes.push(await calls.prove(challenge, device));
    }
    expect(outcomes).toMatchObject([{ status: "enrolled" }, { status: "waiting" }]);
  });

  it("writes what happened, and who decided it, into the audit log", async () => {
    const { id } = await calls.waiting();
    const admin = {
      kind: "device",
      id: "dev_admin",
      name: "Laptop",
      address: "192.0.2.1",
    } as const;
    auth.pairing.refuse(id, admin);
    const { who, address, ...entry } = door.audit.entries.at(-1) ?? {};
    expect({ ...entry, who: Object(who).id, address }).toEqual({
      act: "pair.refuse",
      outcome: "done",
      who: "dev_admin",
      address: "192.0.2.1",
      about: { pairing: id, name: "Phone", from: "192.0.2.7" },
    });
    expect(door.audit.entries.map(({ act }) => act).slice(-4)).toEqual([
      "pair.offer",
      "pair.redeem",
      "pair.prove",
      "pair.refuse",
    ]);
  });
});
