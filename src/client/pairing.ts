/** Makes this device known to the host with the secret of a pairing link. */
import type { HttpPost } from "./auth-calls.ts";
import { authCall } from "./auth-calls.ts";
import { checkEnrollment } from "./challenge-check.ts";
import type { AccessToken } from "./credentials.ts";
import type { KeyStore } from "./device-key.ts";
import { identityHash, makeDeviceKey, prove } from "./device-key.ts";

export type PairingStep = "asking" | "makingKey" | "proving" | "saving";

export interface PairingOptions {
  readonly origin: string;
  readonly post: HttpPost;
  readonly keyStore: KeyStore;
  readonly secret: string;
  readonly deviceName: string;
  onStep?(step: PairingStep): void;
}

/** Rejects with `Refused` (a used or expired link, for example) or `Unreachable`. */
export async function pairDevice(options: PairingOptions): Promise<AccessToken> {
  const { secret, deviceName, origin, keyStore } = options;
  options.onStep?.("asking");
  const { challenge } = await authCall(options, "/auth/pair/start", { secret, deviceName });
  checkEnrollment(challenge, origin);
  options.onStep?.("makingKey");
  const key = await makeDeviceKey();
  options.onStep?.("proving");
  const deviceIdentitySha256Base64url = await identityHash(key.identity);
  const { clientId, ...token } = await authCall(options, "/auth/pair/finish", {
    challengeId: challenge.challengeId,
    deviceIdentity: key.identity,
    proof: await prove(key, { ...challenge, deviceIdentitySha256Base64url }),
  });
  options.onStep?.("saving");
  await keyStore.save({ clientId, ...key });
  return token;
}
