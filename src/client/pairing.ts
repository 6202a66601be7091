/** Makes this device known to a host, by a pairing link or a code. */
import type { maxStatusWaitMs, PairFinish } from "../protocol/auth-api.ts";
import { commitmentText, pairingWords, wordsText } from "../protocol/pairing-words.ts";
import type { HttpPost } from "./auth-calls.ts";
import { authCall, Unreachable } from "./auth-calls.ts";
import { randomBase64url, sha256, sha256Base64url } from "./bytes.ts";
import { checkEnrollment } from "./challenge-check.ts";
import type { AccessToken } from "./credentials.ts";
import type { DeviceKey, KeyStore } from "./device-key.ts";
import { identityHash, makeDeviceKey, prove } from "./device-key.ts";
import { checkHostProof, newHostNonce } from "./host-proof.ts";
import { pairAgain, Refused } from "./refused.ts";

export type PairingStep = "makingKey" | "asking" | "proving" | "waiting" | "saving";

/** While an admin has to confirm: what both ends show, and when it ends by itself. */
export interface PairingWait {
  readonly words: readonly string[];
  /** By this device's clock, Unix milliseconds. */
  readonly untilMs: number;
}

export interface PairingOptions {
  readonly origin: string;
  readonly post: HttpPost;
  readonly keyStore: KeyStore;
  /** What stands in the link, or what a person typed. */
  readonly way: { readonly secret: string } | { readonly code: string };
  /** Of the host's key, from the link; a host that does not have it is refused. */
  readonly hostFingerprint?: string | undefined;
  readonly deviceName: string;
  /** Default: a key that cannot be exported. */
  readonly makeKey?: () => Promise<DeviceKey>;
  /** Ends the waiting; the promise rejects with its reason. */
  readonly signal?: AbortSignal;
  onStep?(step: PairingStep): void;
  onWait?(wait: PairingWait): void;
}

const waitMs: typeof maxStatusWaitMs = 20_000;
/** After a call that did not come through. */
const retryMs = 2_000;

type Outcome = (typeof PairFinish)["response"]["_zod"]["output"];
type Enrolled = Extract<Outcome, { status: "enrolled" }>;

/**
 * Resolves when the host knows this device. Rejects with `Refused` (a used link, an admin who said
 * no) or `Unreachable`.
 */
export async function pairDevice(options: PairingOptions): Promise<AccessToken> {
  const { origin, keyStore, deviceName, way, hostFingerprint: fingerprint } = options;
  options.onStep?.("makingKey");
  const key = await (options.makeKey ?? makeDeviceKey)();
  const { publicKeySpkiDerBase64 } = key.identity;
  const deviceNonce = randomBase64url(32);
  const commitment = await sha256Base64url(commitmentText(publicKeySpkiDerBase64, deviceNonce));
  options.onStep?.("asking");
  if (fingerprint !== undefined) await meetHost(options, fingerprint);
  const hostNonce = newHostNonce();
  const asked = { ...way, deviceName, commitment, hostNonce };
  const { challenge, hostProof } = await authCall(options, "/auth/pair/start", asked);
  checkEnrollment(challenge, origin);
  const { challengeId, accountUserId: hostId, nonce } = challenge;
  const hostFingerprint = await checkHostProof(hostProof, {
    origin,
    nonce: hostNonce,
    challenge: challengeId,
    hostId,
    fingerprint,
  });
  options.onStep?.("proving");
  const deviceIdentitySha256Base64url = await identityHash(key.identity);
  const first = await authCall(options, "/auth/pair/finish", {
    challengeId,
    deviceIdentity: key.identity,
    deviceNonce,
    proof: await prove(key, { ...challenge, deviceIdentitySha256Base64url }),
  });
  const parts = { hostFingerprint, publicKeySpkiDerBase64, hostNonce: nonce, deviceNonce };
  const words = pairingWords(await sha256(wordsText({ ...parts, challengeId })));
  const enrolled = await confirmed(options, challengeId, words, first);
  options.onStep?.("saving");
  const { clientId, token, expiresAt, role } = enrolled;
  await keyStore.save({ clientId, ...key, hostFingerprint });
  return { token, expiresAt, role };
}

/** Who cannot show the key that the link names is not told the link's secret. */
async function meetHost(options: PairingOptions, fingerprint: string): Promise<void> {
  const { origin } = options;
  const nonce = newHostNonce();
  const { hostId, hostProof } = await authCall(options, "/auth/host", { hostNonce: nonce });
  await checkHostProof(hostProof, { origin, nonce, challenge: "", hostId, fingerprint });
}

/** Waits until an admin has confirmed; a lost network is no answer. */
async function confirmed(
  options: PairingOptions,
  challengeId: string,
  words: readonly string[],
  first: Outcome,
): Promise<Enrolled> {
  if (first.status === "enrolled") return first;
  options.onStep?.("waiting");
  let untilMs = Date.now() + first.expiresInMs;
  options.onWait?.({ words, untilMs });
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      const outcome = await authCall(options, "/auth/pair/status", { challengeId, waitMs });
      if (outcome.status === "enrolled") return outcome;
      untilMs = Date.now() + outcome.expiresInMs;
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (Date.now() > untilMs) throw new Refused(0, notConfirmed);
      await pause(retryMs);
    }
  }
}

const mayPass = (error: unknown): boolean =>
  error instanceof Unreachable ||
  (error instanceof Refused && (error.status === 429 || error.status >= 500));

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

const notConfirmed = {
  code: "pairing_expired",
  message: "The time for this pairing is over, and the host could not be reached.",
  nextStep: pairAgain,
};
