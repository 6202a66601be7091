/** What a device key may sign: two payloads, and the rules of their members in the protocol's order and words. */
import { z } from "zod";
import type { RpcError } from "../protocol/errors.ts";
import { invalidRequest } from "../protocol/errors.ts";

/** Of both expiries: a proof is for now, not for later. */
const maxAheadSeconds = 900;
const scope = "remote_control_controller_websocket";
const socketPaths = ["/api/codex/remote/control/client", "/wham/remote/control/client"];

const target = { nonce: z.string(), targetOrigin: z.string(), targetPath: z.string() };
const binding = { accountUserId: z.string(), clientId: z.string() };

const ConnectionPayload = z.object({
  type: z.literal("remoteControlClientConnection"),
  audience: z.literal("remote_control_client_websocket"),
  ...target,
  ...binding,
  sessionId: z.string(),
  /** Unix time in seconds. */
  tokenExpiresAt: z.int(),
  tokenSha256Base64url: z.string(),
  /** Exactly `remote_control_controller_websocket`. */
  scopes: z.array(z.string()),
});
type ConnectionPayload = z.infer<typeof ConnectionPayload>;

const EnrollmentPayload = z.object({
  type: z.literal("remoteControlClientEnrollment"),
  audience: z.literal("remote_control_client_enrollment"),
  ...target,
  ...binding,
  challengeId: z.string(),
  deviceIdentitySha256Base64url: z.string(),
  /** Unix time in seconds. */
  challengeExpiresAt: z.int(),
});
type EnrollmentPayload = z.infer<typeof EnrollmentPayload>;

export const DeviceKeySignPayload = z.discriminatedUnion("type", [
  ConnectionPayload,
  EnrollmentPayload,
]);
type DeviceKeySignPayload = z.infer<typeof DeviceKeySignPayload>;

export const badPayload = (why: string): RpcError =>
  invalidRequest(`invalid device key payload: ${why}`);

export function checkKeyId(keyId: string): void {
  if (/^dk_(hse|tpm|osn)_/.test(keyId) && byteCount(keyId.slice(7)) === 32) return;
  throw badPayload(
    "keyId must be dk_hse_, dk_tpm_, or dk_osn_ followed by unpadded base64url-encoded 32 bytes",
  );
}

/** The members that say for whom a key is. */
export function checkBinding(ids: {
  readonly accountUserId: string;
  readonly clientId: string;
}): void {
  for (const [name, id] of [
    ["accountUserId", ids.accountUserId],
    ["clientId", ids.clientId],
  ] as const) {
    checkPresent(name, id);
    // They are stored with the key.
    if (id.length > 512) throw badPayload(`${name} must have at most 512 characters`);
  }
}

export function checkPayload(payload: DeviceKeySignPayload, nowSeconds: number): void {
  if ((byteCount(payload.nonce) ?? 0) < 32) {
    throw badPayload("nonce must be at least 32 random bytes encoded as unpadded base64url");
  }
  if (payload.type === "remoteControlClientConnection") checkConnection(payload, nowSeconds);
  else checkEnrollment(payload, nowSeconds);
}

function checkConnection(payload: ConnectionPayload, nowSeconds: number): void {
  checkTarget(payload, socketPaths);
  checkPresent("sessionId", payload.sessionId);
  checkBinding(payload);
  checkDigest("tokenSha256Base64url", payload.tokenSha256Base64url);
  if (payload.scopes.length !== 1 || payload.scopes[0] !== scope) {
    throw badPayload(`scopes must contain exactly ${scope}`);
  }
  checkExpiry("remote-control token", payload.tokenExpiresAt, nowSeconds);
}

function checkEnrollment(payload: EnrollmentPayload, nowSeconds: number): void {
  checkPresent("challengeId", payload.challengeId);
  checkTarget(
    payload,
    socketPaths.map((path) => `${path}/enroll`),
  );
  checkBinding(payload);
  checkDigest("deviceIdentitySha256Base64url", payload.deviceIdentitySha256Base64url);
  checkExpiry("enrollment challenge", payload.challengeExpiresAt, nowSeconds);
}

function checkTarget(
  { targetOrigin, targetPath }: { readonly targetOrigin: string; readonly targetPath: string },
  paths: readonly string[],
): void {
  if (!isBackendOrigin(targetOrigin)) {
    throw badPayload("targetOrigin must be an allowed remote-control backend origin");
  }
  if (!paths.includes(targetPath)) {
    throw badPayload("targetPath must match the signed payload type's remote-control endpoint");
  }
}

/** The vendor's backends over TLS, and this machine. Nothing may follow the host and port. */
function isBackendOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, href } = new URL(text);
  if (pathname !== "/" || /[?#]/.test(href)) return false;
  const isVendors = /^(?:[^.]+\.)*chatgpt(?:-staging)?\.com$/.test(hostname);
  const isLocal = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  return (protocol === "https:" && (isVendors || isLocal)) || (protocol === "http:" && isLocal);
}

function checkPresent(name: string, value: string): void {
  if (value === "") throw badPayload(`${name} must not be empty`);
}

function checkDigest(name: string, value: string): void {
  if (byteCount(value) === 32) return;
  throw badPayload(`${name} must be a SHA-256 digest encoded as unpadded base64url`);
}

function checkExpiry(what: string, expiresAt: number, nowSeconds: number): void {
  if (expiresAt <= nowSeconds) throw badPayload(`${what} is expired`);
  if (expiresAt > nowSeconds + maxAheadSeconds) {
    throw badPayload(`${what} expires too far in the future`);
  }
}

/** How many bytes the text stands for; undefined unless it is canonical base64url without padding. */
function byteCount(text: string): number | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes.length : undefined;
}
