/** Checks what a device signed against the one question that this host asked it. */
import type { Receipts } from "../audit/port.ts";
import { approvalPayloadBytes } from "../crypto/approval-payload.ts";
import { isCanonicalValue, type CanonicalValue } from "../crypto/canonical-json.ts";
import { decodeBase64 } from "../crypto/base64.ts";
import { parseP256Spki, verifyP256 } from "../crypto/p256.ts";
import { randomSecret } from "../crypto/random.ts";
import { isAnything } from "../protocol/permission-profile.ts";
import type { Role } from "../protocol/principal.ts";
import {
  CommandDecision,
  FileChangeDecision,
  PermissionsAnswer,
} from "../protocol/server-requests.ts";
import {
  ApprovalSignature,
  type ApprovalChallenge,
  type ApprovalPayload,
} from "../protocol/signed-approval.ts";
import { isRecord } from "../util/is-record.ts";
import { approvalFault, type ApprovalFaultCode } from "./approval-faults.ts";
import type { DeviceRecord, DeviceRegistry } from "./device-registry.ts";
import { accessFault } from "./live-access.ts";
import type { Admission, Answerer, ApprovalGate } from "./port.ts";

type WithoutFreshness<Payload> = Payload extends unknown
  ? Omit<Payload, "nonce" | "expiresAt">
  : never;
export type Question = WithoutFreshness<ApprovalPayload>;

export interface GateParts {
  readonly registry: DeviceRegistry;
  readonly receipts: Receipts;
  readonly nowMs: () => number;
}

/** A question may wait for hours; a signature says that somebody looked within this one. */
const challengeLifeSeconds = 3600;

export class DeviceGate implements ApprovalGate {
  readonly #question: Question;
  readonly #requiredOf: readonly Role[];
  readonly #parts: GateParts;
  #challenge: ApprovalChallenge;

  constructor(question: Question, requiredOf: readonly Role[], parts: GateParts) {
    this.#question = question;
    this.#requiredOf = requiredOf;
    this.#parts = parts;
    this.#challenge = this.#newChallenge();
  }

  challenge(): ApprovalChallenge {
    if (this.#isExpired()) this.#challenge = this.#newChallenge();
    return this.#challenge;
  }

  admit(result: unknown, by: Answerer): Admission {
    const decision = this.#decisionIn(result);
    // what makes no sense fails the item, as without a signature
    if (decision === undefined || !isRecord(result)) return unsigned;
    const given = result["farhelmSignature"];
    if (given === undefined || given === null) {
      const isNeeded = decision.allows && this.#requiredOf.includes(by.role);
      if (!isNeeded) return unsigned;
      const device = this.#deviceOf(by);
      return fault(device ? "approval_signature_missing" : "approval_no_key", { inWords: true });
    }
    const device = this.#deviceOf(by);
    if (device === undefined) return fault("approval_no_key");
    const signature = ApprovalSignature.safeParse(given);
    if (!signature.success) return fault("approval_signature_malformed");
    return this.#check(signature.data, decision.signed, device);
  }

  #check(signature: ApprovalSignature, decision: CanonicalValue, device: DeviceRecord): Admission {
    if (this.#isExpired()) return fault("approval_expired", { askAgain: true });
    const signed = decodeBase64(signature.signedPayloadBase64);
    const expected = approvalPayloadBytes({ ...this.#challenge.payload, decision });
    if (signed === undefined || !signed.equals(expected)) {
      return fault("approval_bytes_differ", { askAgain: true });
    }
    const { keyId, publicKeySpki } = device.key;
    const key = parseP256Spki(publicKeySpki);
    const der = decodeBase64(signature.signatureDerBase64);
    const holds =
      key !== undefined &&
      der !== undefined &&
      signature.keyId === keyId &&
      verifyP256(key, signed, der);
    if (!holds) return fault("approval_signature_invalid");
    try {
      const receipt = this.#parts.receipts.keep({
        acceptedAtMs: this.#parts.nowMs(),
        deviceId: device.id,
        keyId,
        publicKeySpkiDerBase64: publicKeySpki.toString("base64"),
        algorithm: signature.algorithm,
        signatureDerBase64: signature.signatureDerBase64,
        signedPayloadBase64: signature.signedPayloadBase64,
      });
      return { kind: "admitted", about: { receipt, key: device.key.thumbprint } };
    } catch {
      return fault("approval_not_recorded");
    }
  }

  #decisionIn(result: unknown): Decision | undefined {
    if (!isRecord(result)) return undefined;
    if (this.#question.kind === "permissions") return grantIn(result);
    const schema = this.#question.kind === "command" ? CommandDecision : FileChangeDecision;
    const signed = schema.safeParse(result["decision"]).data;
    return signed && { signed, allows: signed !== "decline" && signed !== "cancel" };
  }

  #deviceOf({ id }: Answerer): DeviceRecord | undefined {
    const record = this.#parts.registry.find(id);
    const isLive = accessFault(record, this.#parts.nowMs()) === undefined;
    return record?.kind === "device" && isLive ? record : undefined;
  }

  #isExpired(): boolean {
    return this.#parts.nowMs() >= this.#challenge.payload.expiresAt * 1000;
  }

  #newChallenge(): ApprovalChallenge {
    const expiresAt = Math.floor(this.#parts.nowMs() / 1000) + challengeLifeSeconds;
    const payload = { ...this.#question, nonce: randomSecret(), expiresAt };
    return { payload, requiredOf: [...this.#requiredOf] };
  }
}

const unsigned: Admission = { kind: "admitted", about: {} };

interface Decision {
  /** As it is signed. */
  readonly signed: CanonicalValue;
  /** Whether it lets anything happen. */
  readonly allows: boolean;
}

/** The decision on permissions is the whole answer but its signature. One that has no canonical bytes cannot be signed. */
function grantIn({
  farhelmSignature: _signature,
  ...answer
}: Readonly<Record<string, unknown>>): Decision | undefined {
  const parsed = PermissionsAnswer.safeParse(answer);
  if (!parsed.success) return undefined;
  const signed = isCanonicalValue(answer) ? answer : null;
  return { signed, allows: isAnything(parsed.data.permissions) };
}

const fault = (
  code: ApprovalFaultCode,
  { askAgain = false, inWords = false } = {},
): Extract<Admission, { kind: "fault" }> => ({
  kind: "fault",
  ...approvalFault(code),
  askAgain,
  inWords,
});
