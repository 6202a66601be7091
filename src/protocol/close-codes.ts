/** Every reason for which the server ends a WebSocket. The number is the close code (RFC 6455, section 7.4). */
export const closeCodes = {
  /** The peer broke the framing rules. */
  protocolError: 1002,
  /** The host is going down; come back later. */
  goingAway: 1001,
  /** Twenty frames in a minute that are not JSON-RPC, or credentials that no longer hold. */
  policyViolation: 1008,
  /** A message over the limit: 16 MiB, or 64 KiB before `initialize`. */
  messageTooBig: 1009,
  /** The peer reads slower than its byte budget allows; reconnect and resume. */
  tryAgainLater: 1013,
  /** The device or token was revoked. Final: pair again. */
  revoked: 4001,
  /** The device, guest access or foreign token expired. Final until renewed. */
  expired: 4002,
  /** Role, scope or lifetime of the access changed: connect again, with what holds now. */
  accessChanged: 4003,
  /** The host's state was restored from a backup: nobody comes in before an admin has confirmed it. */
  hostRestored: 4004,
} as const;

export type CloseReason = keyof typeof closeCodes;
