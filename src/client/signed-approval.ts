/** Approvals that count only with this device's signature: what is signed, and what is looked at before. */
import type { FileUpdateChange } from "../protocol/item.ts";
import type {
  ApprovalChallenge,
  ApprovalSignature,
  approvalDomain as ApprovalDomain,
} from "../protocol/signed-approval.ts";
import { sha256Base64url, utf8 } from "./bytes.ts";
import { canonicalJson } from "./canonical-payload.ts";
import type { DeviceRecord } from "./device-key.ts";
import { signBytes } from "./device-key.ts";

const approvalDomain: typeof ApprovalDomain = "farhelm-approval/v1";

/** Why nothing was signed; the message is for people. */
export class NotSigned extends Error {
  override readonly name = "NotSigned";
}

/** Signs the payload with this decision. Throws `NotSigned` for another host's. */
export function signApproval(
  device: DeviceRecord,
  { payload }: ApprovalChallenge,
  decision: unknown,
  hostId: string | undefined,
): Promise<ApprovalSignature> {
  if (payload.hostId !== hostId) {
    throw new NotSigned("This approval names another host. Nothing was signed.");
  }
  const whole = { domain: approvalDomain, payload: { ...payload, decision } };
  return signBytes(device, utf8(canonicalJson(whole)));
}

/** `diffSha256Base64url` of these changes: whether a patch on the screen is the one to be signed. */
export const changesDigest = (changes: readonly FileUpdateChange[]): Promise<string> =>
  sha256Base64url(canonicalJson(changes.map(({ path, kind, diff }) => ({ path, kind, diff }))));
