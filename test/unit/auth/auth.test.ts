import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { hostActor } from "../../../src/audit/port.ts";
import { createAuth, type Auth } from "../../../src/auth/auth.ts";
import { openDatabase } from "../../../src/db/database.ts";
import { connect, Door, facts, pair, refusalOf, unsigned } from "./door.ts";

let door: Door;
beforeEach(() => {
  door = new Door();
});
afterEach(() => {
  vi.useRealTimers();
  door.remove();
});

const keyFile = (): string => join(door.home, "issuer-key.json");

describe("the host key", () => {
  it("is made at the first start for its owner only, and used again", async () => {
    const first = await door.open();
    const text = readFileSync(keyFile(), "utf8");
    const { token, id } = await first.devices.issueHeadless("ci", "viewer", 60_000, hostActor);
    door.close();
    const second = await door.open();
    expect({
      mode: statSync(keyFile()).mode & 0o777,
      text: readFileSync(keyFile(), "utf8"),
      keys: second.api.jwks(),
      left: readdirSync(door.home).filter((name) => name.includes("part")),
    }).toEqual({ mode: 0o600, text, keys: first.api.jwks(), left: [] });
    expect(await refusalOf(second.gatekeeper.admitBearer(token, facts))).toMatchObject({
      admitted: { id },
    });
  });

  it("is one, when two start at once", async () => {
    const [left, right] = await Promise.all([door.open(), door.open()]);
    expect(left.api.jwks()).toEqual(right.api.jwks());
  });

  it("is published without its private part", async () => {
    const { keys } = (await door.open()).api.jwks();
    expect(keys.map((key) => Object.keys(key).toSorted())).toEqual([
      ["alg", "crv", "kid", "kty", "use", "x", "y"],
    ]);
  });

  it("is taken back from others who could read it", async () => {
    await door.open();
    chmodSync(keyFile(), 0o644);
    await door.open();
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
  });

  it.each([
    "",
    "{",
    "[]",
    '{"kty":"oct","k":"canary"}',
    '{"kty":"EC","crv":"P-256","x":"canary","y":"AA","d":"canary","kid":"k"}',
  ])("that cannot be read stops the start and is left alone: %s", async (text) => {
    writeFileSync(keyFile(), text);
    const error: unknown = await door.open().catch((reason: unknown) => reason);
    expect(String(error)).toContain(`The host key ${keyFile()} cannot be used`);
    expect(String(error)).toContain("Restore the file");
    expect(String(error)).not.toContain("canary");
    expect(readFileSync(keyFile(), "utf8")).toBe(text);
  });
});

describe("devices", () => {
  it("are listed as they are, across a restart", async () => {
    const auth = await door.open();
    expect(auth.devices.hasDevices()).toBe(false);
    const phone = await pair(auth, { name: "Pho\u202Ene \u0007one" });
    await auth.gatekeeper.admitTicket(await connect(auth, phone), facts);
    const createdAtMs = door.nowMs;
    door.nowMs += 1000;
    const { id, expiresAtMs } = await auth.devices.issueHeadless("ci", "viewer", 60_000, hostActor);
    door.close();
    const { devices } = await door.open();
    const [first, ...others] = devices.list();
    expect(first?.fingerprint).toMatch(/^[0-9a-f]{4}( [0-9a-f]{4}){3}$/);
    expect([{ ...first, fingerprint: "" }, ...others]).toEqual([
      {
        id: phone.clientId,
        kind: "device",
        name: "Phone one",
        role: "admin",
        createdAtMs,
        lastSeenAtMs: createdAtMs,
        expiresAtMs: null,
        roleUntilMs: null,
        scope: null,
        fingerprint: "",
      },
      {
        id,
        kind: "headless",
        name: "ci",
        role: "viewer",
        createdAtMs: createdAtMs + 1000,
        lastSeenAtMs: null,
        expiresAtMs,
        roleUntilMs: null,
        scope: null,
        fingerprint: null,
      },
    ]);
    expect(devices.hasDevices()).toBe(true);
  });

  it("keep neither secrets nor tokens in the database", async () => {
    const auth = await door.open();
    const { secret } = auth.pairing.offer("viewer", hostActor);
    const phone = await pair(auth);
    const ticket = await connect(auth, phone);
    const { token } = await auth.devices.issueHeadless("ci", "viewer", 60_000, hostActor);
    const stored = readdirSync(door.home)
      .filter((name) => name.startsWith("farhelm.sqlite"))
      .map((name) => readFileSync(join(door.home, name), "latin1"))
      .join("");
    expect(stored).toContain(phone.clientId);
    for (const text of [secret, phone.token, ticket, token]) expect(stored).not.toContain(text);
  });

  it("live as long as they were given", async () => {
    const auth = await door.open();
    for (const ttlMs of [0, -1, NaN, Infinity, 367 * 86_400_000]) {
      expect(await refusalOf(auth.devices.issueHeadless("ci", "viewer", ttlMs, hostActor))).toBe(
        "bad_lifetime",
      );
    }
    await pair(auth);
    const guest = await pair(auth, { role: "viewer", ttlMs: 90_000 });
    const ticket = await connect(auth, guest);
    expect(await refusalOf(auth.gatekeeper.admitTicket(ticket, facts))).toMatchObject({
      admitted: { role: "viewer", id: guest.clientId },
    });
    door.nowMs += 90_000;
    expect(auth.devices.list()).toHaveLength(1);
    expect(await refusalOf(connect(auth, guest))).toBe("device_expired");
  });
});

describe("expiry", () => {
  it("is told when it comes, in order, once, and not for what was revoked before", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const database = openDatabase(":memory:");
    const auth: Auth = await createAuth({
      database,
      farhelmHome: door.home,
      audit: door.audit,
      ...unsigned(door.home),
    });
    const ended: unknown[] = [];
    auth.gatekeeper.onEnd((id, reason) => ended.push([id, reason]));
    const stop = auth.gatekeeper.onEnd(() => ended.push("stopped listener"));
    stop();
    const late = await auth.devices.issueHeadless("late", "viewer", 40 * 86_400_000, hostActor);
    const soon = await auth.devices.issueHeadless("soon", "viewer", 60_000, hostActor);
    const gone = await auth.devices.issueHeadless("gone", "viewer", 30_000, hostActor);
    auth.devices.revoke(gone.id, hostActor);
    await pair(auth);
    const guest = await pair(auth, { ttlMs: 45_000 });
    vi.advanceTimersByTime(44_000);
    expect(ended).toEqual([[gone.id, "revoked"]]);
    vi.advanceTimersByTime(20_000);
    expect(ended.slice(1)).toEqual([
      [guest.clientId, "expired"],
      [soon.id, "expired"],
    ]);
    vi.advanceTimersByTime(40 * 86_400_000);
    expect(ended.slice(3)).toEqual([[late.id, "expired"]]);
    auth.close();
    database.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("of a device's token does not end the device", async () => {
    const auth = await door.open();
    const ended: unknown[] = [];
    auth.gatekeeper.onEnd((id, reason) => ended.push([id, reason]));
    const phone = await pair(auth);
    await auth.gatekeeper.admitTicket(await connect(auth, phone), facts);
    door.nowMs += 3_600_000;
    expect(ended).toEqual([]);
  });
});
