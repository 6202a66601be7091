/** Access that was taken away: at once, everywhere, for good, and also when the host's state comes back from a backup. */
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { WebSocket } from "ws";
import {
  ConnectFinish,
  ConnectStart,
  TokenFinish,
  TokenStart,
} from "../../src/protocol/auth-api.ts";
import { closeCodes } from "../../src/protocol/close-codes.ts";
import { HostClient } from "../helpers/running-host.ts";
import { attack } from "./attack.ts";
import { admittedOf, codeOf, type Bench, type Paired } from "./bench.ts";
import { spread } from "./spread.ts";

const rounds = 100;
/** What the product promises. */
const promisedMs = 1_000;

/** A machine that is busy with other things may hold one of the hundred up. */
function expectPunctual(times: readonly number[]): void {
  const late = times.filter((ms) => ms >= promisedMs);
  expect(late.slice(1)).toEqual([]);
}

attack(
  "C18",
  "a revoked device: its sockets, ticket, challenges, token, queued messages",
  { expect: { act: "upgrade.refused", code: "ticket_invalid" }, timeoutMs: 300_000 },
  async (bench) => {
    const admin = await bench.admin();
    await bench.pair("admin");
    const times: number[] = [];
    let [tried, admitted] = [0, 0];
    for (let round = 0; round < rounds; round += 1) {
      bench.moveOn();
      const paired = await bench.pair("operator");
      const left = await leftovers(bench, paired);
      const sockets = [await bench.connect(paired), await bench.connect(paired)];
      const startedMs = performance.now();
      const [answer, ...codes] = await Promise.all([
        admin.call("farhelm/devices/revoke", { id: paired.clientId }),
        ...sockets.map(({ closed }) => closed),
      ]);
      times.push(performance.now() - startedMs);
      expect({ answer, codes }).toEqual({
        answer: { revoked: true, was: "live", ids: [paired.clientId] },
        codes: [closeCodes.revoked, closeCodes.revoked],
      });
      expect(await admin.call("farhelm/devices/revoke", { id: paired.clientId })).toEqual({
        revoked: false,
        was: "revoked",
        ids: [],
      });
      // Each round is the same: the doors are tried in a few of them.
      if (round % 25 !== 0) continue;
      const answers = await left.use();
      tried += answers.length;
      admitted += admittedOf(answers);
      const again = await bench.pair("operator", paired.device);
      await (await bench.connect(again)).call("thread/loaded/list");
    }
    expectPunctual(times);
    const { medianMs, worstMs } = spread(times);
    return { tried, admitted, rounds, medianMs, worstMs };
  },
);

/**
 * Revokes a device while its messages wait for one another. How many ran by then is the scheduler's choice, so
 * rounds are repeated until one was cut in the middle. Answers how many messages ran after the revocation.
 */
async function revokedWhileMessagesWait(bench: Bench, admin: HostClient): Promise<number> {
  const queued = 500;
  for (let round = 0; round < 20; round += 1) {
    bench.moveOn();
    const busy = await bench.pair("operator");
    const threadId = await admin.startThread();
    const socket = await bench.connect(busy);
    const renamed = (): number =>
      admin.sent.filter(
        ({ method, params }) =>
          method === "thread/name/updated" && Object(params)["threadId"] === threadId,
      ).length;
    for (let index = 0; index < queued; index += 1) {
      const params = { threadId, name: `queued ${index}` };
      socket.sendText(JSON.stringify({ id: index, method: "thread/name/set", params }));
    }
    await admin.call("farhelm/devices/revoke", { id: busy.clientId });
    const before = renamed();
    expect(await socket.closed).toBe(closeCodes.revoked);
    // What waited for the thread stands before this call in its queue; one may have begun already.
    await admin.call("thread/metadata/update", { threadId, gitInfo: { branch: "main" } });
    const after = renamed() - before;
    if (after > 1) return after;
    if (before < queued) return 0;
  }
  throw new Error("no revocation came while messages were waiting");
}

attack(
  "C19",
  "revoked while disconnected, while messages wait, in an approval, at a restart",
  { expect: { act: "upgrade.refused", code: "ticket_invalid" }, timeoutMs: 120_000 },
  async (bench) => {
    const admin = await bench.admin();
    const revoke = ({ clientId }: Paired) => admin.call("farhelm/devices/revoke", { id: clientId });
    let admitted = 0;

    const away = await bench.pair("operator");
    (await bench.connect(away)).drop();
    const left = await leftovers(bench, away);
    await revoke(away);
    admitted += admittedOf(await left.use());

    admitted += await revokedWhileMessagesWait(bench, admin);

    bench.moveOn();
    admitted += await answerAfterRevocation(bench);

    bench.moveOn();
    const restarted = await bench.pair("operator");
    const kept = await leftovers(bench, restarted);
    await revoke(restarted);
    await bench.down();
    await bench.up();
    admitted += admittedOf(await kept.use());
    return { tried: 12, admitted };
  },
);

attack(
  "C20",
  "a backup from before the revocation is put back",
  { expect: { act: "upgrade.refused", code: "host_restored" }, timeoutMs: 120_000 },
  async (bench) => {
    const honest = await bench.pair("admin");
    const thief = await bench.pair("operator");
    const ci = await bench.token("viewer");
    await bench.down();
    const backup = join(bench.homes.root, "backup");
    copyState(bench.farhelmHome, backup);
    await bench.up();

    const watching = await bench.connect({ ...honest, token: await bench.renew(honest) });
    await (await bench.admin()).call("farhelm/devices/revoke", { id: thief.clientId });
    const { params: known } = await watching.until(
      ({ method }) => method === "farhelm/access/generation",
    );
    await bench.down();
    copyState(backup, bench.farhelmHome);
    await bench.up();

    // Nobody can know better yet.
    const inside = await bench.connect({ ...thief, token: await bench.renew(thief) });
    const answers = [await connectKnowing(bench, honest, known)];
    expect(await inside.closed).toBe(closeCodes.hostRestored);
    const tries = async () => {
      const ticketless = await connectKnowing(bench, thief, {});
      const bearer = { Authorization: `Bearer ${ci}` };
      answers.push(ticketless, await bench.upgrade(bearer));
    };
    await tries();
    await bench.down();
    await bench.up();
    await tries();
    expect(new Set(answers.map(codeOf))).toEqual(new Set(["host_restored", "403"]));

    const admin = await bench.admin();
    const heard = Number(known?.["accessGeneration"]);
    expect(await admin.call("farhelm/restore/read")).toMatchObject({
      restored: { deviceId: honest.clientId, generation: heard - 1, knownGeneration: heard },
    });
    await admin.call("farhelm/devices/revoke", { id: thief.clientId });
    expect(await admin.call("farhelm/restore/confirm")).toEqual({ confirmed: true });
    answers.push(await connectKnowing(bench, thief, {}));
    const back = await connectKnowing(bench, honest, known);
    expect(JSON.parse(back.body)).toMatchObject({ accessGeneration: heard + 1 });
    return { tried: answers.length, admitted: admittedOf(answers) };
  },
);

attack(
  "C21",
  "guests, a lent role and a token whose time is over, with live sockets",
  {
    expect: [
      { act: "access.expire", outcome: "done" },
      { act: "upgrade.refused", code: "ticket_invalid" },
    ],
    timeoutMs: 300_000,
  },
  async (bench) => {
    const admin = await bench.admin();
    await bench.pair("admin");
    const change = (id: string, what: object) =>
      admin.call("farhelm/devices/change", { id, ...what });
    const ends: Promise<{ code: number; lateMs: number }>[] = [];
    for (let round = 0; round < rounds; round += 1) {
      bench.moveOn();
      const guest = await bench.pair("operator");
      const before = await bench.connect(guest);
      const expiresAtMs = Date.now() + 5_000;
      await change(guest.clientId, { expiresAtMs });
      expect(await before.closed).toBe(closeCodes.accessChanged);
      const socket = await bench.connect(guest);
      const { params } = await socket.until(({ method }) => method === "farhelm/access/ending");
      expect(params).toMatchObject({ what: "access", endsAtMs: expiresAtMs });
      ends.push(socket.closed.then((code) => ({ code, lateMs: Date.now() - expiresAtMs })));
    }
    const ended = await Promise.all(ends);
    expect(new Set(ended.map(({ code }) => code))).toEqual(new Set([closeCodes.expired]));
    const times = ended.map(({ lateMs }) => lateMs);
    expectPunctual(times);
    const { medianMs, worstMs } = spread(times);

    bench.moveOn();
    const lent = await bench.pair("viewer");
    await change(lent.clientId, { role: "operator", roleUntilMs: Date.now() + 5_000 });
    const stronger = await bench.connect(lent);
    const left = await leftovers(bench, lent);
    await stronger.startThread();
    expect(await stronger.closed).toBe(closeCodes.accessChanged);
    const weaker = await bench.connect(lent);
    const started = await weaker.startThread().catch(String);
    expect(started).toContain("this connection has viewer");

    const bearer = { Authorization: `Bearer ${await bench.token("viewer", 2_000)}` };
    const url = `ws://127.0.0.1:${bench.port}/`;
    const socket = await HostClient.initialized(new WebSocket(url, { headers: bearer }));
    expect(await socket.closed).toBe(closeCodes.expired);
    await change(lent.clientId, { expiresAtMs: Date.now() + 500 });
    await expect
      .poll(async () => codeOf(await bench.request(TokenStart.path, { clientId: lent.clientId })))
      .toBe("device_expired");
    const answers = [...(await left.use()), await bench.upgrade(bearer)];
    return { tried: answers.length, admitted: admittedOf(answers), rounds, medianMs, worstMs };
  },
);

/** A ticket, two open challenges and a token of the device, and what becomes of them later. */
async function leftovers(bench: Bench, { device, token, clientId }: Paired) {
  const ticket = await bench.ticket({ device, token });
  const connection = await bench.connectChallenge(token);
  const { challenge } = await bench.call(TokenStart, { clientId });
  const use = async () => {
    const { sessionId } = connection;
    const proof = device.prove(connection);
    const finish = { challengeId: challenge.challengeId, proof: device.prove(challenge) };
    return [
      await bench.ticketUpgrade(ticket),
      await bench.request(ConnectFinish.path, { sessionId, proof }, { bearer: token }),
      await bench.request(TokenFinish.path, finish),
      await bench.request(TokenStart.path, { clientId }),
      await bench.request(ConnectStart.path, {}, { bearer: token }),
    ];
  };
  return { use };
}

/** 1 when the answer of a device that was revoked while it was asked decided anything. */
async function answerAfterRevocation(bench: Bench): Promise<number> {
  const admin = await bench.admin();
  const approver = await bench.pair("approver");
  const asked = await bench.connect(approver);
  const threadId = await admin.startThread();
  const turnId = await admin.startTurn(threadId, "run `git --version`");
  await asked.call("thread/resume", { threadId });
  const { id } = await asked.until(({ method }) => method?.endsWith("requestApproval") === true);
  await admin.call("farhelm/devices/revoke", { id: approver.clientId });
  asked.answer(id, { decision: "accept" });
  expect(await asked.closed).toBe(closeCodes.revoked);
  const stillWaits = await admin.call("thread/read", { threadId });
  admin.answer(id, { decision: "decline" });
  await admin.turnEnded(turnId);
  const decided = admin.sent.some(
    ({ method, params }) =>
      method === "item/completed" &&
      Object(params?.["item"])["status"] === "completed" &&
      Object(params?.["item"])["type"] === "commandExecution",
  );
  expect(Object(stillWaits["thread"])["status"]).toMatchObject({
    type: "active",
    activeFlags: ["waitingOnApproval"],
  });
  return decided ? 1 : 0;
}

/** connect/finish of a device that says what it heard of the host's generation. */
async function connectKnowing(bench: Bench, { device, clientId }: Paired, known: object = {}) {
  const { body, status } = await bench.request(TokenStart.path, { clientId });
  if (status !== 200) return { status, body, headers: {} };
  const { challenge: renewal } = TokenStart.response.parse(JSON.parse(body));
  const { challengeId } = renewal;
  const proof = device.prove(renewal);
  const { token } = await bench.call(TokenFinish, { challengeId, proof });
  const { accessGeneration, generationStatement } = Object(known);
  const about = { knownGeneration: accessGeneration, generationStatement };
  const { challenge } = await bench.call(ConnectStart, about, token);
  const { sessionId } = challenge;
  return bench.request(
    ConnectFinish.path,
    { sessionId, proof: device.prove(challenge) },
    { bearer: token },
  );
}

const isDatabase = (name: string): boolean => name.startsWith("farhelm.sqlite");

function copyState(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(to).filter(isDatabase)) rmSync(join(to, name));
  for (const name of readdirSync(from).filter(isDatabase)) cpSync(join(from, name), join(to, name));
}
