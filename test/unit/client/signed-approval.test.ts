import { describe, expect, it } from "vitest";
import type { DeviceRecord } from "../../../src/client/device-key.ts";
import { makeDeviceKey } from "../../../src/client/device-key.ts";
import { changesDigest, NotSigned, signApproval } from "../../../src/client/signed-approval.ts";
import {
  approvalPayloadBytes,
  changesDigest as hostDigest,
} from "../../../src/crypto/approval-payload.ts";
import { parseP256Spki, verifyP256 } from "../../../src/crypto/p256.ts";
import type { ApprovalChallenge } from "../../../src/protocol/signed-approval.ts";
import { ApprovalSignature } from "../../../src/protocol/signed-approval.ts";
import { command } from "../auth/approval-bench.ts";

const device = async (): Promise<DeviceRecord> => ({ clientId: "d", ...(await makeDeviceKey()) });

const challengeOf = (script: string): ApprovalChallenge => ({
  payload: {
    ...command,
    command: ["/bin/sh", "-c", script],
    hostId: "h",
    requestId: 1,
    nonce: "n",
    expiresAt: 5,
  },
  requiredOf: ["approver"],
});

describe("a device signs", () => {
  it.each([
    "ls",
    "rm -rf \u202e/x\u0000\u001b[2K\r\n\u200b\u2028",
    "\u{1f600} \ud800 \"'\\/",
    "__proto__",
    "x".repeat(1_000_000),
  ])("the bytes that the host expects: %j", async (script) => {
    const [key, challenge] = [await device(), challengeOf(script)];
    const decision = { acceptWithExecpolicyAmendment: { execpolicy_amendment: [script] } };
    const proof = ApprovalSignature.parse(await signApproval(key, challenge, decision, "h"));
    const bytes = Buffer.from(proof.signedPayloadBase64, "base64");
    expect(bytes.equals(approvalPayloadBytes({ ...challenge.payload, decision }))).toBe(true);
    const spki = parseP256Spki(Buffer.from(key.identity.publicKeySpkiDerBase64, "base64"));
    const signature = Buffer.from(proof.signatureDerBase64, "base64");
    expect(spki && verifyP256(spki, bytes, signature)).toBe(true);
  });

  it.each(["other", undefined])("nothing for another host than %j", async (hostId) => {
    const key = await device();
    expect(() => signApproval(key, challengeOf("ls"), "accept", hostId)).toThrow(NotSigned);
  });

  it("a patch by the digest that the host gives it", async () => {
    const changes = [
      { path: "/srv/a", kind: { type: "update" as const, move_path: null }, diff: "@@\n+\u202e" },
      { path: "/srv/b", kind: { type: "delete" as const }, diff: "" },
    ];
    expect(await changesDigest(changes)).toBe(hostDigest(changes));
    expect(await changesDigest(changes.toReversed())).not.toBe(hostDigest(changes));
  });
});
