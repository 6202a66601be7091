/** Challenges for the enrollment payload: capped in number and life, each good for one answer. */
import { randomId, randomSecret } from "../crypto/random.ts";
import type { EnrollmentPayload } from "../protocol/auth-api.ts";
import type { AccessGeneration } from "./access-generation.ts";
import { OneUseBook } from "./one-use-book.ts";
import type { RequestFacts } from "./port.ts";
import { refusal } from "./refusals.ts";

/** Enough for a person who confirms a key; the payload allows at most 900 s. */
const challengeLifeMs = 120_000;
/** About 1 KiB each. */
const maxChallenges = 2000;

type OpenChallenge = Omit<EnrollmentPayload, "deviceIdentitySha256Base64url">;

export class EnrollmentChallenges {
  readonly #hostId: string;
  readonly #generation: AccessGeneration;
  readonly #nowMs: () => number;
  readonly #book: OneUseBook<OpenChallenge>;

  constructor(hostId: string, generation: AccessGeneration, nowMs: () => number) {
    this.#hostId = hostId;
    this.#generation = generation;
    this.#nowMs = nowMs;
    this.#book = new OneUseBook({ lifeMs: challengeLifeMs, maxEntries: maxChallenges, nowMs });
  }

  /** `targetPath`: the route that takes the answer. Throws `AuthError` when too many are open. */
  issue(clientId: string, targetPath: string, facts: RequestFacts): OpenChallenge {
    const challenge: OpenChallenge = {
      type: "remoteControlClientEnrollment",
      audience: "remote_control_client_enrollment",
      accountUserId: this.#hostId,
      clientId,
      challengeId: randomId("chl"),
      challengeExpiresAt: Math.floor((this.#nowMs() + challengeLifeMs) / 1000),
      nonce: randomSecret(),
      targetOrigin: facts.origin,
      targetPath,
      accessGeneration: this.#generation.current,
    };
    if (!this.#book.put(challenge.challengeId, challenge)) throw refusal("challenges_exhausted");
    return challenge;
  }

  /** The challenge, once, on its own route and under the origin that it was issued for. Throws `AuthError`. */
  take(challengeId: string, targetPath: string, facts: RequestFacts): OpenChallenge {
    const challenge = this.#book.take(challengeId);
    if (challenge?.targetPath !== targetPath) throw refusal("challenge_unknown");
    if (challenge.targetOrigin !== facts.origin) throw refusal("wrong_origin");
    return challenge;
  }

  dropClient(clientId: string): void {
    this.#book.dropWhere((challenge) => challenge.clientId === clientId);
  }
}
