/** Which approvals a device must sign, and what it then signs. */
import type { ApprovalClass, ApprovalSettings } from "../config/approval-settings.ts";
import { approvalPayloadBytes, changesDigest } from "../crypto/approval-payload.ts";
import { mayAct, roles, type Role } from "../protocol/principal.ts";
import {
  commandApproval,
  fileChangeApproval,
  permissionsApproval,
} from "../protocol/server-requests.ts";
import { type ApprovalAdditions, maxApprovalBytes } from "../protocol/signed-approval.ts";
import { DeviceGate, type GateParts, type Question } from "./approval-gate.ts";
import type { ApprovalGate, ApprovalNotary, ApprovalSubject } from "./port.ts";

/** The decision may repeat the command. */
const maxQuestionBytes = Math.floor(maxApprovalBytes / 2) - 4096;

export class DeviceNotary implements ApprovalNotary {
  readonly #settings: ApprovalSettings;
  readonly #hostId: string;
  readonly #parts: GateParts;

  constructor(settings: ApprovalSettings, hostId: string, parts: GateParts) {
    this.#settings = settings;
    this.#hostId = hostId;
    this.#parts = parts;
  }

  gate(subject: ApprovalSubject, requestId: number): ApprovalGate | "tooLong" | undefined {
    const requiredOf = this.#requiredOf(subject);
    if (requiredOf.length === 0) return undefined;
    const { threadId, turnId, itemId } = subject;
    const ids = { hostId: this.#hostId, threadId, turnId, itemId, requestId };
    const question = questionOf(subject, ids);
    if (approvalPayloadBytes(question).length > maxQuestionBytes) return "tooLong";
    return new DeviceGate(question, requiredOf, this.#parts);
  }

  #requiredOf(subject: ApprovalSubject): readonly Role[] {
    const answering = roles.filter((role) => mayAct(role, specs[subject.kind].role));
    const classes = classesOf(subject);
    const { signed, signedRoles } = this.#settings;
    if (classes.some((each) => signed.includes(each))) return answering;
    return answering.filter((role) => signedRoles.includes(role));
  }
}

const specs = {
  command: commandApproval,
  fileChange: fileChangeApproval,
  permissions: permissionsApproval,
};

/** Widening the sandbox is the other way out of it. */
function classesOf(subject: ApprovalSubject): readonly ApprovalClass[] {
  if (subject.kind === "permissions") return ["permissions", "escalated"];
  if (subject.kind === "fileChange") return ["fileChange"];
  if (subject.additions || subject.reaches !== undefined)
    return ["command", "permissions", "escalated"];
  return subject.escalated ? ["command", "escalated"] : ["command"];
}

/** Copies: what is compared later cannot have changed. */
function questionOf(
  subject: ApprovalSubject,
  ids: Pick<Question, "hostId" | "threadId" | "turnId" | "itemId" | "requestId">,
): Question {
  if (subject.kind === "command") {
    const { kind, command, cwd, escalated, additions, reaches } = subject;
    const rights = {
      escalated,
      ...(additions && { additions: copyOf(additions) }),
      ...(reaches !== undefined && { reaches }),
    };
    return { ...ids, kind, command: [...command], cwd, ...rights };
  }
  if (subject.kind === "permissions") {
    const { kind, cwd, additions } = subject;
    return { ...ids, kind, cwd, additions: copyOf(additions) };
  }
  const { kind, changes, realPaths } = subject;
  const diffSha256Base64url = changesDigest(changes);
  return { ...ids, kind, diffSha256Base64url, realPaths: [...realPaths] };
}

const copyOf = ({ network, read, write }: ApprovalAdditions): ApprovalAdditions => ({
  network,
  read: [...read],
  write: [...write],
});
