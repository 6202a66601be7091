/** What a thief holds: a ticket, a token, a proof. None of it opens a socket without the device's key. */
import { expect } from "vitest";
import type { RawAnswer } from "../helpers/raw-http.ts";
import {
  ConnectFinish,
  ConnectStart,
  TokenFinish,
  TokenStart,
} from "../../src/protocol/auth-api.ts";
import { SoftDevice } from "../unit/auth/soft-device.ts";
import { attack } from "./attack.ts";
import { admittedOf, Bench, codeOf } from "./bench.ts";

const halfMinuteMs = 30_000;

const codesOf = (answers: readonly RawAnswer[]): readonly string[] =>
  answers.map((answer) => (answer.status < 400 ? "admitted" : codeOf(answer)));

attack(
  "A9",
  "a ticket used twice, too late, elsewhere, or for something else",
  {
    expect: [
      { act: "upgrade.refused", code: "ticket_invalid" },
      { act: "upgrade.refused", code: "wrong_origin" },
      { act: "upgrade.refused", code: "bearer_invalid" },
    ],
  },
  async (bench) => {
    const paired = await bench.pair("admin");
    const answers: RawAnswer[] = [];
    const used = await bench.ticket(paired);
    expect((await bench.ticketUpgrade(used)).status).toBe(101);
    answers.push(await bench.ticketUpgrade(used));

    const raced = await bench.ticket(paired);
    const race = await Promise.all(Array.from({ length: 8 }, () => bench.ticketUpgrade(raced)));
    expect(race.filter(({ status }) => status === 101)).toHaveLength(1);
    answers.push(...race.filter(({ status }) => status !== 101));

    const elsewhere = await bench.ticket(paired);
    const Origin = `http://127.0.0.1:${bench.port}`;
    answers.push(await bench.ticketUpgrade(elsewhere, { Origin, Host: `127.0.0.1:${bench.port}` }));
    answers.push(await bench.ticketUpgrade(elsewhere));

    const scope = await bench.ticket(paired);
    const Authorization = `Bearer ${scope}`;
    const challenge = await bench.connectChallenge(paired.token);
    const proof = paired.device.prove(challenge);
    answers.push(
      await bench.upgrade({ Authorization }),
      await bench.request(ConnectStart.path, {}, { bearer: scope }),
      await bench.request(
        ConnectFinish.path,
        { sessionId: challenge.sessionId, proof },
        { bearer: scope },
      ),
    );
    for (const madeUp of ["A".repeat(43), scope.slice(0, -1), `${scope}A`, paired.token.slice(-43)])
      answers.push(await bench.ticketUpgrade(madeUp));

    const other = await Bench.start();
    answers.push(await other.ticketUpgrade(scope));
    await other.down();

    const late = await bench.ticket(paired);
    bench.passTime(halfMinuteMs + 1_000);
    answers.push(await bench.ticketUpgrade(late));
    return { tried: answers.length + 1, admitted: admittedOf(answers) };
  },
);

attack(
  "T1",
  "a stolen token of a device, without its key",
  {
    expect: [
      { act: "upgrade.refused", code: "ticket_needed" },
      { act: "connect", code: "proof_refused" },
      { act: "token.renew", code: "proof_refused" },
    ],
  },
  async (bench) => {
    const paired = await bench.pair("admin");
    const { token, clientId, device } = paired;
    const Authorization = `Bearer ${token}`;
    const thief = new SoftDevice(device.identity.keyId);
    const answers = [
      await bench.upgrade({ Authorization }),
      await bench.upgrade({ Authorization, Origin: bench.url }),
      await bench.ticketUpgrade(token.slice(0, 512).replaceAll(".", "")),
      await bench.upgrade({ Authorization, Cookie: `token=${token}` }),
    ];
    const unsigned = { keyId: device.identity.keyId, algorithm: "ecdsa_p256_sha256" };
    for (const forge of [
      (challenge: object) => thief.prove(challenge),
      (challenge: object) => new SoftDevice().prove(challenge),
      (challenge: object) => ({ ...device.prove({}), ...unsigned, x: challenge }),
      (challenge: object) => ({ ...thief.prove(challenge), signatureDerBase64: "" }),
    ]) {
      const challenge = await bench.connectChallenge(token);
      const body = { sessionId: challenge.sessionId, proof: forge(challenge) };
      answers.push(await bench.request(ConnectFinish.path, body, { bearer: token }));
      const { challenge: renewal } = await bench.call(TokenStart, { clientId });
      const finish = { challengeId: renewal.challengeId, proof: forge(renewal) };
      answers.push(await bench.request(TokenFinish.path, finish));
    }
    return { tried: answers.length, admitted: admittedOf(answers) };
  },
);

attack(
  "T2",
  "a stolen ticket: after its owner, beside its owner, later, after the revocation",
  { expect: { act: "upgrade.refused", code: "ticket_invalid" } },
  async (bench) => {
    const paired = await bench.pair("admin");
    const fromElsewhere = (ticket: string): Promise<RawAnswer> => {
      bench.moveOn();
      return bench.ticketUpgrade(ticket);
    };
    const seen = await bench.ticket(paired);
    expect((await bench.ticketUpgrade(seen)).status).toBe(101);
    const answers = [await fromElsewhere(seen), await fromElsewhere(seen)];

    const shared = await bench.ticket(paired);
    const race = await Promise.all([bench.ticketUpgrade(shared), fromElsewhere(shared)]);
    answers.push(...race.toSorted((one, other) => one.status - other.status).slice(1));

    const foreign = await bench.ticket(paired);
    answers.push(await bench.ticketUpgrade(foreign, { Origin: "https://evil.example" }));
    answers.push(await bench.ticketUpgrade(foreign, { Origin: undefined }));

    const stale = await bench.ticket(paired);
    const revoked = await bench.ticket(paired);
    bench.passTime(halfMinuteMs + 1_000);
    answers.push(await bench.ticketUpgrade(stale));
    bench.moveOn();
    const again = await bench.ticket(paired);
    await (await bench.admin()).call("farhelm/devices/revoke", { id: paired.clientId });
    answers.push(await bench.ticketUpgrade(again), await bench.ticketUpgrade(revoked));
    return { tried: answers.length, admitted: admittedOf(answers) };
  },
);

attack(
  "T3",
  "a headless token through a proxy",
  { expect: { act: "upgrade.refused", code: "headless_remote" } },
  async (bench) => {
    const Authorization = `Bearer ${await bench.token("admin")}`;
    const marks: readonly Readonly<Record<string, string>>[] = [
      { Forwarded: "for=203.0.113.9" },
      { Forwarded: "" },
      { "X-Forwarded-For": "203.0.113.9" },
      { "X-Forwarded-For": "127.0.0.1" },
      { "X-Forwarded-Host": `localhost:${bench.port}` },
      { "X-Forwarded-Proto": "https" },
      { "x-forwarded-anything": "1" },
    ];
    const answers = await Promise.all(
      marks.map((mark) => bench.upgrade({ Authorization, ...mark })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403]));
    expect((await bench.upgrade({ Authorization })).status).toBe(101);
    return { tried: answers.length, admitted: admittedOf(answers) };
  },
);

attack(
  "T4",
  "a proof sent again: to the same challenge, to a new one, to another call, to another host",
  {
    expect: [
      { act: "connect", code: "challenge_unknown" },
      { act: "connect", code: "proof_refused" },
      { act: "token.renew", code: "proof_refused" },
    ],
  },
  async (bench) => {
    const paired = await bench.pair("admin");
    const { token, clientId, device } = paired;
    const first = await bench.connectChallenge(token);
    const proof = device.prove(first);
    const finish = (sessionId: string, with_ = proof, at = bench): Promise<RawAnswer> =>
      at.request(ConnectFinish.path, { sessionId, proof: with_ }, { bearer: token });
    expect((await finish(first.sessionId)).status).toBe(200);
    const answers = [await finish(first.sessionId)];
    answers.push(await finish((await bench.connectChallenge(token)).sessionId));

    const raced = await bench.connectChallenge(token);
    const race = await Promise.all(
      Array.from({ length: 8 }, () => finish(raced.sessionId, device.prove(raced))),
    );
    expect(race.filter(({ status }) => status === 200)).toHaveLength(1);
    answers.push(...race.filter(({ status }) => status !== 200));

    const { challenge } = await bench.call(TokenStart, { clientId });
    const { challengeId } = challenge;
    answers.push(await bench.request(TokenFinish.path, { challengeId, proof }));
    const mixed = await bench.connectChallenge(token);
    answers.push(await finish(mixed.sessionId, device.prove(challenge)));

    const other = await Bench.start();
    answers.push(await finish(first.sessionId, proof, other));
    await other.down();

    const late = await bench.connectChallenge(token);
    bench.passTime(121_000);
    answers.push(await finish(late.sessionId, device.prove(late)));
    expect(new Set(codesOf(answers))).toEqual(
      new Set(["challenge_unknown", "proof_refused", "token_invalid"]),
    );
    return { tried: answers.length, admitted: admittedOf(answers) };
  },
);
