/** What a device signs: nonces, clocks, domains and bytes that are nearly right. */
import {
  PairFinish,
  TokenFinish,
  TokenStart,
  type DeviceProof,
  type EnrollmentPayload,
} from "../../src/protocol/auth-api.ts";
import { attack } from "./attack.ts";
import { codeOf, type Bench } from "./bench.ts";
import {
  figures,
  finish,
  refusedProof,
  tryProofs,
  usedChallenge,
  type Prove,
} from "./proof-tries.ts";

async function finishRenewal(
  bench: Bench,
  challengeId: string,
  proof: DeviceProof,
): Promise<string> {
  const answer = await bench.request(TokenFinish.path, { challengeId, proof });
  return answer.status === 200 ? "admitted" : codeOf(answer);
}

const flipBit = (text: string): string => {
  const bytes = Buffer.from(text, "base64url");
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return bytes.toString("base64url");
};

attack(
  "C5",
  "nonces: used, foreign, expired, changed, empty, and used by many at once",
  { expect: [refusedProof, usedChallenge] },
  async (bench) => {
    const paired = await bench.pair("operator");
    const { device, token } = paired;
    const other = await bench.connectChallenge(token);
    const changed = await tryProofs(bench, paired, [
      (challenge) => device.prove({ ...challenge, nonce: other.nonce }),
      (challenge) => device.prove({ ...challenge, nonce: flipBit(challenge.nonce) }),
      (challenge) => device.prove({ ...challenge, nonce: "" }),
      () => device.prove(other),
    ]);

    const challenge = await bench.connectChallenge(token);
    const proof = device.prove(challenge);
    const atOnce = await Promise.all(
      Array.from({ length: 20 }, () => finish(bench, token, challenge.sessionId, proof)),
    );
    const again = await finish(bench, token, challenge.sessionId, proof);
    const foreign = await finish(bench, token, `${other.sessionId}x`, device.prove(other));

    const late = await bench.connectChallenge(token);
    bench.passTime(120_000);
    const expired = await finish(bench, token, late.sessionId, device.prove(late));

    const winners = atOnce.filter((code) => code === "admitted").length;
    const used = [...atOnce.filter((code) => code !== "admitted"), again, foreign, expired];
    const wrong =
      changed.filter((code) => code !== "proof_refused").length +
      used.filter((code) => code !== "challenge_unknown").length +
      Math.abs(winners - 1);
    return { tried: changed.length + used.length + 1, admitted: wrong, winnersOf20: winners };
  },
);

attack(
  "C6",
  "a proof 15 minutes and a second old, and proofs from the future",
  { expect: [refusedProof, { act: "token.renew", code: "challenge_unknown" }] },
  async (bench) => {
    const paired = await bench.pair("operator");
    const { device, clientId } = paired;
    const ahead = 3600;
    const future = await tryProofs(bench, paired, [
      (challenge) =>
        device.prove({ ...challenge, tokenExpiresAt: challenge.tokenExpiresAt + ahead }),
    ]);
    const { challenge } = await bench.call(TokenStart, { clientId });
    const renewals = [
      await finishRenewal(
        bench,
        challenge.challengeId,
        device.prove({ ...challenge, challengeExpiresAt: challenge.challengeExpiresAt + ahead }),
      ),
    ];
    const { challenge: old } = await bench.call(TokenStart, { clientId });
    bench.passTime(901_000);
    const late = await finishRenewal(bench, old.challengeId, device.prove(old));
    const wrong =
      [...future, ...renewals].filter((code) => code !== "proof_refused").length +
      Number(late !== "challenge_unknown");
    return { tried: future.length + renewals.length + 1, admitted: wrong };
  },
);

const approvalText = (payload: object): string =>
  JSON.stringify({ domain: "farhelm-approval/v1", payload });

attack(
  "C7",
  "signatures made for pairing, renewal, approval, other servers, paths, ports and tokens",
  { expect: [refusedProof, { act: "token.renew", code: "proof_refused" }] },
  async (bench) => {
    const paired = await bench.pair("operator");
    const { device, clientId } = paired;
    const renewal = (): Promise<EnrollmentPayload> =>
      bench.call(TokenStart, { clientId }).then(({ challenge }) => challenge);
    const enrollment = await renewal();
    const atConnect = await tryProofs(bench, paired, [
      () => device.prove(enrollment),
      () => device.prove({ ...enrollment, targetPath: PairFinish.path }),
      (challenge) => device.prove({ ...challenge, type: enrollment.type }),
      (challenge) => device.prove({ ...challenge, audience: enrollment.audience }),
      (challenge) => device.proveText(approvalText(challenge)),
      (challenge) => device.proveText(JSON.stringify(challenge)),
      (challenge) => device.prove({ ...challenge, targetOrigin: "http://localhost:1" }),
      (challenge) => device.prove({ ...challenge, targetOrigin: `${challenge.targetOrigin}/` }),
      (challenge) =>
        device.prove({
          ...challenge,
          targetOrigin: challenge.targetOrigin.replace("http", "https"),
        }),
      (challenge) => device.prove({ ...challenge, targetPath: "/" }),
      (challenge) => device.prove({ ...challenge, targetPath: "/ws/" }),
      (challenge) => device.prove({ ...challenge, accountUserId: "urn:farhelm:host:other" }),
      (challenge) => device.prove({ ...challenge, tokenSha256Base64url: flipBit(challenge.nonce) }),
      (challenge) => device.prove({ ...challenge, scopes: [] }),
      (challenge) => device.prove({ ...challenge, clientId: "dev_other" }),
    ]);
    const connection = await bench.connectChallenge(paired.token);
    const changes: readonly ((challenge: EnrollmentPayload) => DeviceProof)[] = [
      () => device.prove(connection),
      (challenge) => device.prove({ ...challenge, targetPath: PairFinish.path }),
      (challenge) => device.prove({ ...challenge, type: connection.type }),
      (challenge) => device.proveText(approvalText(challenge)),
      (challenge) => device.prove({ ...challenge, targetOrigin: "http://localhost:1" }),
      (challenge) => device.prove({ ...challenge, accountUserId: "urn:farhelm:host:other" }),
    ];
    const atRenewal: string[] = [];
    for (const prove of changes) {
      const challenge = await renewal();
      atRenewal.push(await finishRenewal(bench, challenge.challengeId, prove(challenge)));
    }
    return figures([...atConnect, ...atRenewal], "proof_refused");
  },
);

/** The same JSON in other bytes. The device signs each of them. */
const otherTexts: readonly ((text: string) => string)[] = [
  (text) => JSON.stringify(reversed(JSON.parse(text))),
  (text) => text.replaceAll(":", ": "),
  (text) => text.replaceAll(",", ", "),
  (text) => `${text}\n`,
  (text) => ` ${text}`,
  (text) => `\uFEFF${text}`,
  (text) => text.replace('"nonce":', '"nonce":"x","nonce":'),
  (text) => text.replace('{"domain":', '{"domain":"codex-device-key-sign-payload/v1","domain":'),
  (text) => text.replace('"clientId"', String.raw`"client\u0049d"`),
  (text) => text.replace("/v1", String.raw`\/v1`),
  (text) => text.replace("dev_", String.raw`\u0064ev_`),
  (text) => text.replace(/("tokenExpiresAt":\d+)/, "$1.0"),
  (text) => text.replace(/("tokenExpiresAt":)(\d+)\d/, "$1$2e1"),
  (text) => text.replace('"payload":{', '"payload":{"extra":null,'),
  (text) => `${text.slice(0, -1)},"extra":1}`,
];

function reversed(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, reversed(member)]),
  );
}

const textOf = (proof: DeviceProof): string =>
  Buffer.from(proof.signedPayloadBase64, "base64").toString();

attack(
  "C8",
  "the right payload in other bytes, each signed; and bytes beside the signed ones",
  { expect: refusedProof },
  async (bench) => {
    const paired = await bench.pair("operator");
    const { device } = paired;
    const codes = await tryProofs(bench, paired, [
      ...otherTexts.map((change): Prove => (challenge) => {
        const text = textOf(device.prove(challenge));
        if (change(text) === text) throw new Error("a change that changes nothing");
        return device.proveText(change(text));
      }),
      (challenge) => {
        const right = device.prove(challenge);
        const other = device.proveText(` ${textOf(right)}`);
        return { ...right, signatureDerBase64: other.signatureDerBase64 };
      },
      (challenge) => {
        const right = device.prove(challenge);
        return { ...right, signedPayloadBase64: `${right.signedPayloadBase64}====` };
      },
      (challenge) => {
        const right = device.prove(challenge);
        return { ...right, signedPayloadBase64: right.signedPayloadBase64.replace(/^./, " $&") };
      },
    ]);
    return figures(codes, "proof_refused");
  },
);

attack(
  "C9",
  "one member's end in the next one's beginning",
  { expect: refusedProof },
  async (bench) => {
    const paired = await bench.pair("operator");
    const { device } = paired;
    const codes = await tryProofs(bench, paired, [
      ({ nonce, sessionId, ...rest }) =>
        device.prove({
          ...rest,
          nonce: nonce.slice(0, -1),
          sessionId: nonce.slice(-1) + sessionId,
        }),
      ({ nonce, sessionId, ...rest }) =>
        device.prove({ ...rest, nonce: nonce + sessionId, sessionId: "" }),
      ({ nonce, sessionId, ...rest }) =>
        device.prove({ ...rest, nonce: sessionId, sessionId: nonce }),
      ({ targetOrigin, targetPath, ...rest }) =>
        device.prove({ ...rest, targetOrigin: targetOrigin + targetPath, targetPath: "" }),
      ({ targetOrigin, ...rest }) =>
        device.prove({
          ...rest,
          targetOrigin: targetOrigin.slice(0, -1),
          targetPath: targetOrigin.slice(-1) + rest.targetPath,
        }),
      ({ accountUserId, clientId, ...rest }) =>
        device.prove({ ...rest, accountUserId: `${accountUserId}:${clientId}`, clientId: "" }),
      ({ nonce, ...rest }) =>
        device.prove({
          ...rest,
          nonce: `${nonce}","scopes":["remote_control_controller_websocket"]`,
        }),
      ({ nonce, sessionId, ...rest }) =>
        device.prove({ ...rest, nonce: `${nonce}","sessionId":"${sessionId}` }),
    ]);
    return figures(codes, "proof_refused");
  },
);
