/** Every refusal of this room: status, code, sentence, next step. No text holds what the caller sent. */
import type { AuditWho } from "../audit/port.ts";
import { AuthError } from "./port.ts";

const newLink = "Run `npx farhelm pair` on the host and open the new link.";
const pairAgain = "Run `npx farhelm pair` on the host and pair this device again.";
const startOver = "Start again from the first step; every challenge is good for one answer.";
const newToken = "Run `npx farhelm token` on the host and use the token that it prints.";

const table = {
  bad_request: [400, "The request does not have the expected members.", "Update the client."],
  not_found: [404, "There is no such call.", "Update the client."],
  bad_name: [400, "The name has no visible characters.", "Choose a name with letters."],
  bad_lifetime: [
    400,
    "The lifetime must be more than a second and at most 366 days.",
    "Choose a lifetime within these limits.",
  ],
  bad_scope: [
    400,
    "The scope names a folder that does not exist, or belongs to an admin, who has the whole host.",
    "Name existing folders by absolute path, and give the device a role below admin.",
  ],
  pairing_invalid: [401, "This pairing link is not valid.", newLink],
  pairing_code_invalid: [
    401,
    "This pairing code is not valid.",
    "Compare it with the code that the host shows; `npx farhelm pair` shows a new one.",
  ],
  pairing_locked: [
    403,
    "Pairing codes are locked after too many wrong tries.",
    "Open the pairing link or scan its QR code: they still work. `npx farhelm pair` shows a new code.",
  ],
  pairing_expired: [401, "The time for this pairing is over.", newLink],
  pairing_used: [
    409,
    "A device has already used this pairing link or code.",
    "If that was not you, refuse the request on the host. Then run `npx farhelm pair` there for a new link.",
  ],
  pairing_cancelled: [401, "An administrator took this pairing link back.", newLink],
  pairing_refused: [401, "The proof of this device's key does not hold.", newLink],
  pairing_declined: [403, "An administrator refused this device.", newLink],
  pairing_full: [
    409,
    "16 pairings are under way on this host.",
    "Wait for one to end, or take one back with `npx farhelm pair cancel ID`.",
  ],
  challenge_unknown: [
    401,
    "This challenge does not exist, has expired or was already answered.",
    startOver,
  ],
  challenges_exhausted: [
    503,
    "Too many sign-ins are under way on this host.",
    "Wait a minute and try again.",
  ],
  audit_unwritable: [
    503,
    "The host cannot write its audit log, so it gives nobody access.",
    "Free space on the disk of FARHELM_HOME and try again.",
  ],
  wrong_origin: [
    401,
    "The challenge was issued under another address of this host.",
    "Use one address for the whole sign-in.",
  ],
  bad_key: [
    400,
    "The device key is not a P-256 public key in SubjectPublicKeyInfo form.",
    "Make a new ECDSA P-256 key and export it as SPKI.",
  ],
  proof_refused: [401, "The proof of the device key does not hold.", startOver],
  device_unknown: [401, "This host does not know the device.", pairAgain],
  device_revoked: [401, "The access of this device was revoked.", pairAgain],
  device_expired: [401, "The access of this device has expired.", pairAgain],
  host_restored: [
    403,
    "The host's state is older than what this device knows: it was restored from a backup, and access that was taken away may be back.",
    "On the host, look at `npx farhelm devices confirm-restore` and run it with --yes; then try again here.",
  ],
  generation_unproved: [
    401,
    "The access generation that the device names was never stated by this host.",
    pairAgain,
  ],
  token_missing: [
    401,
    "The call needs an Authorization header with the device's token.",
    "Renew the token with auth/token/start.",
  ],
  token_invalid: [401, "The token is not valid.", "Renew the token with auth/token/start."],
  token_expired: [401, "The token has expired.", "Renew the token with auth/token/start."],
  bearer_invalid: [401, "invalid websocket bearer token", newToken],
  bearer_expired: [401, "expired websocket bearer token", newToken],
  bearer_bound: [
    401,
    "This token is bound to a key, and of that there is no proof here.",
    "Have the issuer make a token without `cnf` for this host.",
  ],
  private_key_inside: [
    401,
    "This token holds a private key (agent_private_key): it is its owner's secret and opens nothing.",
    "Sign with the key and send `Authorization: AgentAssertion`; if the token went over a network, make a new key.",
  ],
  issuer_unavailable: [
    503,
    "The keys of the token's issuer cannot be had now.",
    "Try again in half a minute; `npx farhelm doctor` on the host says what is wrong.",
  ],
  foreign_remote: [
    403,
    "Tokens of this issuer are accepted from this machine only.",
    "Connect from the host itself, or set `remote = true` for the issuer in farhelm.toml.",
  ],
  credentials_exhausted: [
    503,
    "Too many credentials of this identity are in use at once.",
    "Use one token until it expires, or wait for some to expire.",
  ],
  assertion_invalid: [
    401,
    "invalid agent assertion",
    "Check the runtime's id and key against `[[agents]]` in farhelm.toml.",
  ],
  assertion_expired: [
    401,
    "The assertion's time is more than five minutes from the host's.",
    "Make a new assertion for every request, and set the clocks right.",
  ],
  assertion_insecure: [
    403,
    "An agent assertion is taken over TLS of this host, or from this machine, and not through a proxy.",
    "Connect straight to the host: over `--lan`, or from the host itself.",
  ],
  task_unknown: [
    401,
    "This host did not give that task to this runtime, or it has ended.",
    "Register a task with POST /v1/agent/AGENT_RUNTIME_ID/task/register; tasks end with the host.",
  ],
  account_mismatch: [
    401,
    "The account in chatgpt-account-id is not the runtime's.",
    "Send the account that `[[agents]]` in farhelm.toml names, or no such header.",
  ],
  ticket_needed: [
    401,
    "A device's token alone does not open a connection.",
    "Prove the device key with auth/connect/start and use the ticket.",
  ],
  headless_remote: [
    403,
    "Tokens for headless clients are accepted from this machine only.",
    "Connect from the host itself, or pair a device with `npx farhelm pair`.",
  ],
  ticket_invalid: [
    401,
    "This ticket does not exist, has expired or was already used.",
    "Get a new ticket with auth/connect/start.",
  ],
} as const satisfies Record<string, readonly [AuthError["status"], string, string]>;

export type RefusalCode = keyof typeof table;

/** `who`: whose credential it was, where that is known. `auditCode`: what the audit log says instead of `code`. */
export function refusal(code: RefusalCode, who?: AuditWho, auditCode?: string): AuthError {
  const [status, message, nextStep] = table[code];
  return new AuthError(status, code, message, nextStep, who && whoOf(who), auditCode);
}

/** Nothing more of a record than the audit log says. */
const whoOf = ({ kind, id, name }: AuditWho): AuditWho => ({ kind, id, name });

/** Too many tries from one address, or of one device. */
export function slowDown(retryAfterMs: number, who?: AuditWho): AuthError {
  const seconds = Math.ceil(retryAfterMs / 1000);
  return new AuthError(
    429,
    "too_many_attempts",
    "There were too many sign-in attempts from this address.",
    `Wait ${seconds} s and try again.`,
    who && whoOf(who),
  );
}
