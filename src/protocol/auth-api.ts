/**
 * The JSON over HTTP by which a device gets in, under `/auth/`. All calls are POST with
 * `content-type: application/json`; every refusal is a `Refusal` with a 4xx status.
 *
 *   pair:     pair/start -> sign enrollment payload -> pair/finish -> [pair/status until confirmed] -> device + token
 *   renew:    token/start -> sign enrollment payload -> token/finish -> token
 *   connect:  connect/start (Bearer token) -> sign connection payload -> connect/finish -> ticket -> WebSocket
 *
 * What is signed: UTF-8 JSON without spaces, keys sorted at every level, of
 * {"domain":"codex-device-key-sign-payload/v1","payload":{…}}. ECDSA P-256 over SHA-256, DER, standard base64.
 */
import { z } from "zod";
import { Role } from "./principal.ts";

/** Why a call was refused: a stable code, a sentence, and what to do next (a command, where there is one). */
export const Refusal = z.object({
  error: z.object({ code: z.string(), message: z.string(), nextStep: z.string() }),
});
export type Refusal = z.infer<typeof Refusal>;

export const DeviceIdentity = z.object({
  /** Any non-empty id of at most 128 characters that the client gives its key. */
  keyId: z.string().min(1).max(128),
  publicKeySpkiDerBase64: z.string().max(256),
  algorithm: z.literal("ecdsa_p256_sha256"),
  /** What the client says of where the key lives; a claim, not attested. */
  protectionClass: z.enum([
    "hardware_secure_enclave",
    "hardware_tpm",
    "os_protected_nonextractable",
  ]),
});
export type DeviceIdentity = z.infer<typeof DeviceIdentity>;

/** How often access was taken away on this host. A device keeps the highest that it heard. */
const accessGeneration = z.int().min(0);

export const EnrollmentPayload = z.object({
  type: z.literal("remoteControlClientEnrollment"),
  accountUserId: z.string(),
  audience: z.literal("remote_control_client_enrollment"),
  /** Unix time in seconds, at most 900 s ahead. */
  challengeExpiresAt: z.int(),
  challengeId: z.string(),
  clientId: z.string(),
  /** SHA-256 over {"algorithm","keyId","protectionClass","publicKeySpkiDerBase64"} in this order; filled by the signer. */
  deviceIdentitySha256Base64url: z.string(),
  nonce: z.string(),
  targetOrigin: z.string(),
  targetPath: z.string(),
  accessGeneration,
});
export type EnrollmentPayload = z.infer<typeof EnrollmentPayload>;

export const ConnectionPayload = z.object({
  type: z.literal("remoteControlClientConnection"),
  accountUserId: z.string(),
  audience: z.literal("remote_control_client_websocket"),
  clientId: z.string(),
  nonce: z.string(),
  scopes: z.tuple([z.literal("remote_control_controller_websocket")]),
  sessionId: z.string(),
  targetOrigin: z.string(),
  targetPath: z.string(),
  /** Unix time in seconds. */
  tokenExpiresAt: z.int(),
  tokenSha256Base64url: z.string(),
  accessGeneration,
  /** What the device named in connect/start; null when it named none. */
  knownGeneration: accessGeneration.nullable(),
});
export type ConnectionPayload = z.infer<typeof ConnectionPayload>;

export const DeviceProof = z.object({
  keyId: z.string().min(1).max(128),
  algorithm: z.literal("ecdsa_p256_sha256"),
  /** ECDSA signature, ASN.1 DER, standard base64. */
  signatureDerBase64: z.string().max(256),
  /** The exact bytes that were signed, standard base64. */
  signedPayloadBase64: z.string().max(8192),
});
export type DeviceProof = z.infer<typeof DeviceProof>;

const Token = z.object({
  token: z.string(),
  /** Unix time in seconds. */
  expiresAt: z.int(),
  role: Role,
});

/** 32 bytes, base64url. */
const Bytes32 = z.string().regex(/^[\w-]{43}$/);

/** With it the host shows its key: the answer then holds `hostProof`. */
const hostNonce = Bytes32.optional();
/**
 * A JWS by the host's key, `typ` as below, its public key in the header `jwk`. Claims: `iss` the host's
 * id, `aud` the origin of the request, `nonce` the `hostNonce`, `challenge` the challenge's id (of a
 * connection: the session's), `iat`, `exp`. It says something to a client that knows the key's
 * thumbprint from elsewhere, and to nobody else.
 */
const hostProof = z.string().optional();
export const hostProofType = "farhelm-host-proof+jwt";

/** POST /auth/host. The host shows its key before it is told a secret; `challenge` of the proof is empty. */
export const HostProve = {
  path: "/auth/host",
  request: z.object({ hostNonce: Bytes32 }),
  response: z.object({ hostId: z.string(), hostProof: z.string() }),
} as const;

/**
 * POST /auth/pair/start. `secret` is what stands in the fragment of the pairing link, up to the first
 * dot; `code` is what a person typed. One of them. `commitment`: SHA-256 over the key and a nonce of
 * the device, see pairing-words.
 */
export const PairStart = {
  path: "/auth/pair/start",
  request: z
    .object({
      secret: z.string().min(1).max(256).optional(),
      code: z.string().min(1).max(64).optional(),
      deviceName: z.string().trim().min(1).max(80),
      commitment: Bytes32,
      hostNonce,
    })
    .refine(({ secret, code }) => (secret === undefined) !== (code === undefined), {
      path: ["secret"],
    }),
  response: z.object({
    challenge: EnrollmentPayload.omit({ deviceIdentitySha256Base64url: true }),
    /** The time to answer the challenge. */
    expiresInMs: z.number(),
    hostProof,
  }),
} as const;

/** Where a pairing stands whose device proved its key. */
const PairOutcome = z.discriminatedUnion("status", [
  /** An admin must confirm it within `expiresInMs`. */
  z.object({ status: z.literal("waiting"), expiresInMs: z.number() }),
  Token.extend({ status: z.literal("enrolled"), clientId: z.string() }),
]);

/** POST /auth/pair/finish. The first device of a host is known at once and gets its token; others wait. */
export const PairFinish = {
  path: "/auth/pair/finish",
  request: z.object({
    challengeId: z.string().max(128),
    deviceIdentity: DeviceIdentity,
    /** What the commitment was made with. */
    deviceNonce: Bytes32,
    proof: DeviceProof,
  }),
  response: PairOutcome,
} as const;

export const maxStatusWaitMs = 20_000;

/** POST /auth/pair/status. Answers at once, or with `waitMs` when something changed or the time is over. */
export const PairStatus = {
  path: "/auth/pair/status",
  request: z.object({
    challengeId: z.string().max(128),
    waitMs: z.int().min(0).max(maxStatusWaitMs).optional(),
  }),
  response: PairOutcome,
} as const;

/** POST /auth/token/start. */
export const TokenStart = {
  path: "/auth/token/start",
  request: z.object({ clientId: z.string().max(128), hostNonce }),
  response: z.object({ challenge: EnrollmentPayload, hostProof }),
} as const;

/** POST /auth/token/finish. */
export const TokenFinish = {
  path: "/auth/token/finish",
  request: z.object({ challengeId: z.string().max(128), proof: DeviceProof }),
  response: Token,
} as const;

/**
 * POST /auth/connect/start with `Authorization: Bearer TOKEN`. A device names the highest generation that it heard and
 * sends the host's statement of it; a host that counts less was restored from a backup and locks itself.
 */
export const ConnectStart = {
  path: "/auth/connect/start",
  request: z.object({
    knownGeneration: accessGeneration.optional(),
    generationStatement: z.string().max(2048).optional(),
    hostNonce,
  }),
  response: z.object({ challenge: ConnectionPayload, hostProof }),
} as const;

/** POST /auth/connect/finish with `Authorization: Bearer TOKEN`. The ticket opens one WebSocket. */
export const ConnectFinish = {
  path: "/auth/connect/finish",
  request: z.object({ sessionId: z.string().max(128), proof: DeviceProof }),
  response: z.object({
    ticket: z.string(),
    expiresInMs: z.int(),
    accessGeneration,
    /** A JWT about it, to be kept and sent with the next connect/start. */
    generationStatement: z.string(),
  }),
} as const;

/** POST without a token: the signature is by the runtime's key, over `agentRuntimeId:timestamp`. */
export const TaskRegister = {
  path: "/v1/agent/:agentRuntimeId/task/register",
  request: z.object({
    /** RFC 3339 in UTC, whole seconds. */
    timestamp: z.string().max(64),
    /** Ed25519, standard base64. */
    signature: z.string().max(128),
  }),
  response: z.object({ task_id: z.string() }),
} as const;

/** The body with the id from the path. */
export const TaskRegistration = TaskRegister.request.extend({ agentRuntimeId: z.string() });

/** The subprotocol that a browser offers first, and the prefix of the offer that carries its ticket. */
export const subprotocol = "farhelm.v1";
export const ticketPrefix = "farhelm.ticket.";
/** The route of the WebSocket that a ticket opens; also `targetPath` of the connection payload. */
export const socketPath = "/ws";
