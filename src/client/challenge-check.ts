/** What a device looks at before it signs: a challenge that names another origin, key or token is not signed. */
import type { ConnectionPayload, EnrollmentPayload } from "../protocol/auth-api.ts";
import { sha256Base64url } from "./bytes.ts";
import { Refused } from "./refused.ts";

type Enrollment = Omit<EnrollmentPayload, "deviceIdentitySha256Base64url">;

export function checkEnrollment(challenge: Enrollment, origin: string): void {
  expectEqual(challenge.type, "remoteControlClientEnrollment");
  expectEqual(challenge.audience, "remote_control_client_enrollment");
  checkOrigin(challenge.targetOrigin, origin);
}

export async function checkConnection(
  challenge: ConnectionPayload,
  expected: {
    readonly origin: string;
    readonly clientId: string;
    readonly token: string;
    readonly knownGeneration: number | null;
  },
): Promise<void> {
  expectEqual(challenge.type, "remoteControlClientConnection");
  expectEqual(challenge.audience, "remote_control_client_websocket");
  checkOrigin(challenge.targetOrigin, expected.origin);
  expectEqual(challenge.clientId, expected.clientId);
  expectEqual(challenge.tokenSha256Base64url, await sha256Base64url(expected.token));
  expectEqual(challenge.knownGeneration, expected.knownGeneration);
}

function checkOrigin(claimed: string, origin: string): void {
  if (claimed === origin) return;
  throw new Refused(0, {
    code: "origin_mismatch",
    message: `The host calls itself ${claimed}, but it was reached as ${origin}. Nothing was signed.`,
    nextStep: `Open ${claimed} instead, or start the host with \`--public-origin ${origin}\`.`,
  });
}

function expectEqual(actual: string | number | null, expected: string | number | null): void {
  if (actual === expected) return;
  throw new Refused(0, {
    code: "challenge_mismatch",
    message: "The host's challenge is not meant for this device. Nothing was signed.",
    nextStep:
      "Check with `npx farhelm devices list` on the host, then pair again with `npx farhelm pair`.",
  });
}
