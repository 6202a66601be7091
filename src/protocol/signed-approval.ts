/**
 * An approval that a device signs. The host says in the server request what is to be signed; the device
 * adds its decision and signs the UTF-8 bytes of canonical JSON (no spaces, members sorted by UTF-16 code
 * units at every level) of
 *
 *   {"domain":"farhelm-approval/v1","payload":{…payload of the challenge…,"decision":…}}
 *
 * with ECDSA P-256 over SHA-256. The domain keeps these signatures apart from those of pairing and connecting.
 */
import { z } from "zod";
import { DeviceProof } from "./auth-api.ts";
import { ItemId, ThreadId, TurnId } from "./ids.ts";
import { Role } from "./principal.ts";

export const approvalDomain = "farhelm-approval/v1";

/** The most that canonical bytes of an approval may be; a longer command cannot be signed and does not run. */
export const maxApprovalBytes = 2 * 1024 * 1024;

const question = {
  /** The `iss` of the host's tokens. */
  hostId: z.string(),
  threadId: ThreadId,
  turnId: TurnId,
  itemId: ItemId,
  requestId: z.int(),
  /** 32 random bytes, base64url: of this question alone. */
  nonce: z.string(),
  /** Unix time in seconds, by the host's clock; afterwards the question is asked again with a new nonce. */
  expiresAt: z.int(),
};

/** What a grant adds to a profile: absolute paths, links followed, each with everything below it. */
const ApprovalAdditions = z.object({
  network: z.boolean(),
  read: z.array(z.string()),
  write: z.array(z.string()),
});
export type ApprovalAdditions = z.infer<typeof ApprovalAdditions>;

/** What is to be signed, without the decision. */
export const ApprovalPayload = z.discriminatedUnion("kind", [
  z.object({
    ...question,
    kind: z.literal("command"),
    /** Program and arguments, exactly as they will be executed. */
    command: z.array(z.string()),
    /** The folder in which it runs: absolute. */
    cwd: z.string(),
    /** Whether it runs outside of any sandbox. */
    escalated: z.boolean(),
    /** What this command may do on top of its thread's permissions. */
    additions: z.exactOptional(ApprovalAdditions),
    /** It runs already: the host that it wants to reach, as `protocol://host:port`. */
    reaches: z.exactOptional(z.string()),
  }),
  z.object({
    ...question,
    kind: z.literal("fileChange"),
    /** SHA-256, base64url, of the canonical JSON of the item's `changes`, as `item/started` showed them. */
    diffSha256Base64url: z.string(),
    /** Every file that is written, moved or deleted, after symbolic links. */
    realPaths: z.array(z.string()),
  }),
  z.object({
    ...question,
    kind: z.literal("permissions"),
    /** The folder of the turn: absolute. */
    cwd: z.string(),
    /** The most that an answer can give. */
    additions: ApprovalAdditions,
  }),
]);
export type ApprovalPayload = z.infer<typeof ApprovalPayload>;

/** The member `farhelmSignature` of a server request: clients that do not know it ignore it. */
export const ApprovalChallenge = z.object({
  payload: ApprovalPayload,
  /** Devices of these roles must sign what allows something. Answers that allow nothing count without. */
  requiredOf: z.array(Role),
});
export type ApprovalChallenge = z.infer<typeof ApprovalChallenge>;

/** The member `farhelmSignature` of the answer. */
export const ApprovalSignature = DeviceProof.extend({
  /** Base64 is a third longer than its bytes. */
  signedPayloadBase64: z.string().max(Math.ceil(maxApprovalBytes / 3) * 4),
});
export type ApprovalSignature = z.infer<typeof ApprovalSignature>;
