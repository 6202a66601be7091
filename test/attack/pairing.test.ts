/** Pairing: keys that are not one's own, guessed and stolen links, a host that is another, devices that make devices. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import { hostActor } from "../../src/audit/port.ts";
import { AuthError } from "../../src/auth/port.ts";
import { MemoryKeyStore } from "../../src/client/device-key.ts";
import { pairDevice } from "../../src/client/pairing.ts";
import { Refused } from "../../src/client/refused.ts";
import { PairFinish, PairStart, PairStatus } from "../../src/protocol/auth-api.ts";
import { readPairingLink } from "../../src/protocol/pairing-link.ts";
import { Door, facts } from "../unit/auth/door.ts";
import { SoftDevice } from "../unit/auth/soft-device.ts";
import { attack, useHost } from "./attack.ts";
import { Bench, codeOf } from "./bench.ts";

useHost(async () => ({ changes: { trustedProxies: ["127.0.0.1"] } }));

type Challenge = ReturnType<typeof PairStart.response.parse>["challenge"];

const redeem = async (
  bench: Bench,
  secret: string,
  commitment: string,
  deviceName = "Phone",
): Promise<Challenge> =>
  (await bench.call(PairStart, { secret, deviceName, commitment })).challenge;

const proofOf = (device: SoftDevice, challenge: Challenge) =>
  device.prove({ ...challenge, deviceIdentitySha256Base64url: device.identityDigest });

/** The ids of all devices. */
async function deviceIds(bench: Bench): Promise<readonly string[]> {
  const { data } = await (await bench.admin()).call("farhelm/devices/list");
  return Array.isArray(data) ? data.map(({ id }) => String(id)) : [];
}

attack(
  "C10",
  "a victim's public key enrolled under another's name, without its private key",
  { expect: { act: "pair.enroll", code: "pairing_refused" } },
  async (bench) => {
    await bench.pair("admin");
    const before = await deviceIds(bench);
    const victim = new SoftDevice();
    const thief = new SoftDevice();
    const stolen = {
      ...thief.identity,
      publicKeySpkiDerBase64: victim.identity.publicKeySpkiDerBase64,
    };
    const ownKey = (challenge: Challenge) => ({
      deviceIdentity: thief.identity,
      proof: proofOf(thief, challenge),
    });
    const tries: readonly ((challenge: Challenge) => object)[] = [
      (challenge) => ({ deviceIdentity: stolen, proof: proofOf(thief, challenge) }),
      (challenge) => ({ deviceIdentity: victim.identity, proof: proofOf(thief, challenge) }),
      ownKey,
      (challenge) => ({ ...ownKey(challenge), deviceIdentity: victim.identity }),
      (challenge) => ({ ...ownKey(challenge), deviceNonce: victim.nonce }),
    ];
    const codes: string[] = [];
    for (const shown of tries) {
      const challenge = await redeem(bench, await bench.pairingSecret("admin"), victim.commitment);
      const { challengeId } = challenge;
      const body = { challengeId, deviceNonce: victim.nonce, ...shown(challenge) };
      codes.push(codeOf(await bench.request(PairFinish.path, body)));
      expect(codeOf(await bench.request(PairStatus.path, { challengeId }))).toBe("pairing_refused");
    }
    expect(codes).toEqual(codes.map(() => "pairing_refused"));
    const after = await deviceIds(bench);
    return { tried: tries.length, admitted: after.length - before.length };
  },
);

attack(
  "C11",
  "one key enrolled twice: it never stands for two devices",
  { expect: { act: "access.revoke", outcome: "done" } },
  async (bench) => {
    const first = await bench.pair("admin");
    const socket = await bench.connect(first);
    const again = await bench.pair("viewer", first.device);
    expect(await socket.closed).toBe(4001);
    const ids = await deviceIds(bench);
    expect(ids).toContain(again.clientId);
    const old = await bench.request("/auth/token/start", { clientId: first.clientId });
    expect(codeOf(old)).toBe("device_revoked");
    return { tried: 1, admitted: ids.filter((id) => id === first.clientId).length };
  },
);

/** An auth room whose clock and addresses cost nothing: for more tries than sockets could bring. */
async function guessMillion(): Promise<{ compared: number; admitted: number }> {
  const door = new Door();
  const auth = await door.open();
  const { id } = auth.pairing.offer("admin", hostActor);
  const body = { deviceName: "x", commitment: "c".repeat(43) };
  const outcomes = new Map<string, number>();
  let locks = 0;
  for (let guess = 0; guess < 1_000_000; guess += 1) {
    const code = guess
      .toString(30)
      .padStart(8, "2")
      .toUpperCase()
      .replaceAll(/[01IO]/g, "Z");
    const address = `10.${(guess >> 16) & 255}.${(guess >> 8) & 255}.${guess & 255}`;
    // The pairing lives for ten minutes: two thousand tries in each of 500 seconds.
    if (guess % 2_000 === 0) door.nowMs += 1_000;
    const call = auth.api.call(PairStart.path, { ...body, code }, { ...facts, address }, undefined);
    const outcome = await call.then(
      () => "admitted",
      (error: unknown) => (error instanceof AuthError ? error.code : "failed"),
    );
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    locks += door.audit.entries.splice(0).filter(({ act }) => act === "pair.lock").length;
  }
  expect(auth.pairing.list().find((pairing) => pairing.id === id)?.phase).toBe("locked");
  expect(locks).toBe(1);
  door.remove();
  const count = (code: string): number => outcomes.get(code) ?? 0;
  const compared = count("pairing_code_invalid") + count("pairing_locked");
  expect(compared + count("too_many_attempts")).toBe(1_000_000);
  return { compared, admitted: count("admitted") };
}

attack(
  "C12",
  "a code guessed a million times, a link reused, too late, and raced",
  {
    expect: [
      { act: "pair.lock", outcome: "done" },
      { act: "pair.redeem", code: "pairing_code_invalid" },
      { act: "pair.redeem", code: "pairing_locked" },
      { act: "pair.redeem", code: "pairing_used" },
      { act: "pair.redeem", code: "pairing_expired" },
    ],
    timeoutMs: 900_000,
  },
  async (bench) => {
    await bench.pair("admin");
    const before = await deviceIds(bench);
    const commitment = "c".repeat(43);
    const { id, code, secret } = await bench.offer("admin");
    const bodies = new Set<string>();
    const overWire = 40;
    for (let guess = 0; guess < overWire; guess += 1) {
      const headers = { "x-forwarded-for": `198.51.100.${guess}` };
      const body = { code: `AAAA-AAA${"23456789"[guess % 8]}`, deviceName: "x", commitment };
      const answer = await bench.raw(forwarded(bench, body, headers), "127.0.0.1");
      bodies.add(answer.status === 429 ? "429" : answer.body);
    }
    // Wrong, locked, and slowed down: no answer depends on how near a guess was.
    expect(bodies.size).toBeLessThanOrEqual(3);
    const right = { code, deviceName: "x", commitment };
    bench.passTime(60_000);
    expect(codeOf(await bench.request(PairStart.path, right))).toBe("pairing_locked");
    const { data } = await (await bench.admin()).call("farhelm/pair/list");
    const seen = Array.isArray(data) ? data.find((pairing) => pairing.id === id) : undefined;
    expect(seen.phase).toBe("locked");

    const open = { secret, deviceName: "x", commitment };
    const race = await Promise.all(
      Array.from({ length: 8 }, () => bench.request(PairStart.path, open)),
    );
    expect(race.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(race.filter(({ status }) => status !== 200).map(codeOf))).toEqual(
      new Set(["pairing_used"]),
    );
    const late = await bench.pairingSecret("admin");
    bench.passTime(600_000);
    expect(codeOf(await bench.request(PairStart.path, { ...open, secret: late }))).toBe(
      "pairing_expired",
    );
    const { compared, admitted } = await guessMillion();
    expect(compared).toBeLessThan(1_000);
    const after = await deviceIds(bench);
    return {
      tried: 1_000_000 + overWire + 9,
      admitted: admitted + after.length - before.length,
      compared,
    };
  },
);

/** A request as a trusted proxy passes it on. */
function forwarded(bench: Bench, body: object, headers: Record<string, string>): string {
  const text = JSON.stringify(body);
  const all = {
    Host: `localhost:${bench.port}`,
    Connection: "close",
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(text)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `POST ${PairStart.path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${text}`;
}

attack(
  "C14",
  "a thief uses the owner's link first, or stands in between",
  {
    expect: [
      { act: "pair.redeem", code: "pairing_used" },
      { act: "pair.refuse", outcome: "done" },
      { act: "pair.enroll", code: "pairing_declined" },
    ],
  },
  async (bench) => {
    await bench.pair("admin");
    const before = await deviceIds(bench);
    const [thief, owner] = [new SoftDevice(), new SoftDevice()];
    const { id, secret } = await bench.offer("admin");
    const stolen = await redeem(bench, secret, thief.commitment, "Owner's phone");
    const body = { secret, deviceName: "Owner's phone", commitment: owner.commitment };
    expect(codeOf(await bench.request(PairStart.path, body))).toBe("pairing_used");
    const { challengeId } = stolen;
    const waiting = await bench.call(PairFinish, {
      challengeId,
      deviceIdentity: thief.identity,
      deviceNonce: thief.nonce,
      proof: proofOf(thief, stolen),
    });
    expect(waiting.status).toBe("waiting");

    // What the owner sees; and what the owner's phone would show if the thief had passed the challenge on.
    const admin = await bench.admin();
    const { data } = await admin.call("farhelm/pair/list");
    const seen = Array.isArray(data) ? data.find((pairing) => pairing.id === id) : undefined;
    expect(seen).toMatchObject({
      phase: "proved",
      request: { deviceName: "Owner's phone", address: bench.address, way: "link" },
    });
    expect(seen.request.fingerprint).toMatch(/^[0-9a-f]{4}( [0-9a-f]{4}){3}$/);
    const hostFingerprint = stolen.accountUserId.replace("urn:farhelm:host:", "");
    expect(seen.request.words).toEqual(thief.words(stolen, hostFingerprint));
    expect(seen.request.words).not.toEqual(owner.words(stolen, hostFingerprint));

    expect(await admin.call("farhelm/pair/refuse", { id })).toEqual({ done: true });
    const told = await bench.request(PairStatus.path, { challengeId });
    expect(codeOf(told)).toBe("pairing_declined");
    expect(await admin.call("farhelm/pair/confirm", { id })).toEqual({ done: false });
    expect(codeOf(await bench.request(PairStart.path, body))).toBe("pairing_used");
    const after = await deviceIds(bench);
    await bench.pair("operator", owner);
    return { tried: 3, admitted: after.length - before.length };
  },
);

/** A server of someone else, which answers as it likes. */
async function rogue(
  answer: (path: string, body: string) => Promise<{ status: number; text: string }>,
): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    const respond = async (): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
      const { status, text } = await answer(request.url ?? "", Buffer.concat(chunks).toString());
      response.writeHead(status, { "content-type": "application/json" }).end(text);
    };
    void respond();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  return { url: `http://localhost:${port}`, close: () => server.close() };
}

attack(
  "C15",
  "another server in the host's place: with a key of its own, and passing all on to the real one",
  { expect: { act: "pair.expire", outcome: "done" } },
  async (bench) => {
    const before = await deviceIds(bench);
    const signed: string[] = [];
    /** How a client with the host's link fares at `origin`. */
    const attempt = async (origin: string, link: string): Promise<string> => {
      const { secret = "", hostFingerprint } = readPairingLink(link) ?? {};
      try {
        await pairDevice({
          origin,
          post: async (url, init) => {
            if (url.endsWith(PairFinish.path)) signed.push(url);
            return fetch(url, init);
          },
          keyStore: new MemoryKeyStore(),
          way: { secret },
          hostFingerprint,
          deviceName: "Laptop",
        });
        return "admitted";
      } catch (error) {
        if (error instanceof Refused) return error.code;
        throw error;
      }
    };
    const { url } = await bench.offer("operator");
    const { secret = "" } = readPairingLink(url) ?? {};
    // A whole host of the thief's own, which even knows the secret's form.
    const own = await Bench.start();
    const ownLink = readPairingLink(own.firstLink ?? "");
    const mixed = url.replace(secret, ownLink?.secret ?? "");
    const codes = [await attempt(own.url, mixed)];

    const overheard: string[] = [];
    const relay = await rogue(async (path, body) => {
      overheard.push(body);
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${bench.url}${path}`, { method: "POST", headers, body });
      // It even writes its own address where the host wrote the host's.
      const text = (await answer.text()).replaceAll(bench.url, relay.url);
      return { status: answer.status, text };
    });
    codes.push(await attempt(relay.url, url));
    relay.close();
    await own.down();
    expect(codes).toEqual(["host_mismatch", "host_mismatch"]);
    expect(signed).toEqual([]);
    expect(overheard.length).toBeGreaterThan(0);
    const told = overheard.filter((body) => body.includes(secret)).length;
    bench.passTime(600_000);
    const after = await deviceIds(bench);
    await (await bench.admin()).call("farhelm/pair/list");
    return { tried: codes.length, admitted: after.length - before.length + signed.length + told };
  },
);

attack(
  "C17",
  "devices that are no admins make devices and tokens, or let them in; an admin's token confirms",
  {
    expect: [
      { act: "call", code: "role" },
      { act: "call", code: "not_a_device" },
    ],
  },
  async (bench) => {
    await bench.pair("admin");
    const { id, secret } = await bench.offer("admin");
    const thief = new SoftDevice();
    const challenge = await redeem(bench, secret, thief.commitment);
    await bench.call(PairFinish, {
      challengeId: challenge.challengeId,
      deviceIdentity: thief.identity,
      deviceNonce: thief.nonce,
      proof: proofOf(thief, challenge),
    });
    const calls = [
      ["farhelm/pair/offer", { role: "viewer" }],
      ["farhelm/pair/list", {}],
      ["farhelm/pair/confirm", { id }],
      ["farhelm/pair/refuse", { id }],
      ["farhelm/pair/cancel", { id }],
      ["farhelm/token/issue", { name: "x", role: "viewer", ttlMs: 60_000 }],
      ["farhelm/devices/list", {}],
      ["farhelm/devices/revoke", { id }],
    ] as const;
    let admitted = 0;
    let heard = 0;
    for (const role of ["viewer", "approver", "operator"] as const) {
      const client = await bench.connect(await bench.pair(role));
      for (const [method, params] of calls) {
        const outcome = await client.call(method, params).then(
          () => "admitted",
          (error: unknown) => String(error),
        );
        if (!outcome.includes(`this connection has ${role}`)) admitted += 1;
      }
      heard += client.sent.filter(({ method }) => method === "farhelm/pair/changed").length;
    }
    const headless = await bench.clientAs("admin");
    const confirmed = headless.call("farhelm/pair/confirm", { id });
    await expect(confirmed).rejects.toThrow("confirmed on a device that is paired");
    const { challengeId } = challenge;
    expect(await bench.call(PairStatus, { challengeId })).toMatchObject({ status: "waiting" });
    await (await bench.admin()).call("farhelm/pair/refuse", { id });
    return { tried: calls.length * 3 + 1, admitted: admitted + heard };
  },
);
