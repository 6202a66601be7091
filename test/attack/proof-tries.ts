/** What attacks on a device's proof have in common: a proof, a challenge, and the code that comes back. */
import {
  ConnectFinish,
  type ConnectionPayload,
  type DeviceProof,
} from "../../src/protocol/auth-api.ts";
import type { Figures } from "./attack.ts";
import { codeOf, type Bench, type Paired } from "./bench.ts";

export const refusedProof = { act: "connect", code: "proof_refused" } as const;
export const usedChallenge = { act: "connect", code: "challenge_unknown" } as const;

/** A device's answer to a challenge. */
export type Prove = (challenge: ConnectionPayload) => DeviceProof;

/** `admitted`, or the code of the refusal. */
export async function finish(
  bench: Bench,
  token: string,
  sessionId: string,
  proof: DeviceProof,
): Promise<string> {
  const body = { sessionId, proof };
  const answer = await bench.request(ConnectFinish.path, body, { bearer: token });
  return answer.status === 200 ? "admitted" : codeOf(answer);
}

/** For each proof a challenge of its own, which only that proof answers. */
export async function tryProofs(
  bench: Bench,
  { token }: Paired,
  proofs: readonly Prove[],
): Promise<readonly string[]> {
  const codes: string[] = [];
  for (const prove of proofs) {
    const challenge = await bench.connectChallenge(token);
    codes.push(await finish(bench, token, challenge.sessionId, prove(challenge)));
  }
  return codes;
}

/** What the attack saw: everything but `expected` counts as let in. */
export const figures = (codes: readonly string[], expected: string): Figures => ({
  tried: codes.length,
  admitted: codes.filter((code) => code !== expected).length,
  refused: [...new Set(codes)].join(" "),
});
